// Ranks of a training job that are there to be hurt: the client library around a small
// deterministic model, with agree over a socket of the driver. Each step of each rank becomes a
// line of JSON in a file of the rank, written before the next step begins, so that a killed process
// has told all.
//
//   fault_rank '{"supervisor": "127.0.0.1:7070", "run_id": "r", "job_attempt": "1",
//                "first_rank": 0, "ranks": 2, "world_size": 4, "agree": "/tmp/x/agree",
//                "folder": "/tmp/x", "connect_timeout": 2.0, "decision_timeout": 2.0,
//                "step_seconds": 0.002, "settings": {...RunSettings as proto JSON...}}'
//
// Each rank is a thread with a client of its own. They stop when the driver says so, all at the
// same step; exit code 0.
#include <google/protobuf/util/json_util.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/client.h"

namespace lehr {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "fault_rank: %s\n", why.c_str());
  std::_Exit(EXIT_FAILURE);
}

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// The job's collective: the driver answers once all ranks have brought their hash, or says that the
// collective failed. Both ends run on one machine: the layout of the words is that of the CPU.
class Collective {
 public:
  Collective(const std::string& path, uint32_t rank) : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.size() >= sizeof(address.sun_path)) {
      Die(absl::StrCat("the path of the agree socket is too long: ", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      Die(absl::StrCat("cannot connect to ", path));
    }
    Send(&rank, sizeof(rank));
  }
  ~Collective() { close(socket_); }
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;

  AgreeResult Agree(int64_t step, uint64_t hash) {
    const Clock::time_point start = Clock::now();
    const struct {
      int64_t step;
      uint64_t hash;
    } question = {step, hash};
    Send(&question, sizeof(question));
    struct {
      uint64_t min;
      uint64_t max;
      uint64_t last;
    } answer;
    if (recv(socket_, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer)) {
      Die("the driver is gone");
    }
    newest_ = {.min = answer.min, .max = answer.max};
    is_last_step_ = answer.last != 0;
    seconds_ = Seconds(Clock::now() - start);
    return newest_;
  }

  const AgreeResult& newest() const { return newest_; }
  bool is_last_step() const { return is_last_step_; }
  // What the newest Agree took.
  double seconds() const { return seconds_; }

 private:
  void Send(const void* data, size_t size) const {
    if (send(socket_, data, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) {
      Die("the driver is gone");
    }
  }

  const int socket_;
  AgreeResult newest_;
  bool is_last_step_ = false;
  double seconds_ = 0;
};

// Replicas that start alike, stay alike under the same perturbations, and remember each of them.
class Model {
 public:
  void Train(int64_t step) {
    for (size_t i = 0; i < weight_.size(); ++i) {
      weight_[i] = weight_[i] * 0.9375f + static_cast<float>((step + i) % 5) * 0.125f;
    }
  }
  // One high loss among low ones: the run is hot at every step.
  static std::vector<float> Losses(uint32_t rank, int64_t step) {
    return {static_cast<float>(rank % 3), 2.0f + static_cast<float>(step % 7) * 0.25f, 0.0f};
  }
  static std::vector<uint64_t> ExampleIds(uint32_t rank) {
    const uint64_t first = uint64_t{3} * rank;
    return {first, first + 1, first + 2};
  }
  std::vector<Tensor> tensors() {
    return {{.name = "layer.weight", .values = absl::MakeSpan(weight_)}};
  }
  uint32_t Crc() const {
    return static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(weight_.data()), weight_.size() * sizeof(float)));
  }

 private:
  std::vector<float> weight_ = std::vector<float>(64, 1.0f);
};

nlohmann::json Describe(const v1::Decision& decision) {
  return {{"generation", decision.generation()},
          {"step", decision.step()},
          {"epoch", decision.epoch()},
          {"reason", v1::Reason::Code_Name(decision.reason().code())},
          {"acts", decision.actions_size() > 0},
          {"reports", decision.reports()}};
}

ClientOptions MakeOptions(const nlohmann::json& job, uint32_t rank) {
  ClientOptions options;
  options.supervisor = job.at("supervisor");
  options.run_id = job.at("run_id");
  options.job_attempt = job.at("job_attempt");
  options.rank = rank;
  options.world_size = job.at("world_size");
  options.connect_timeout = absl::Seconds(job.at("connect_timeout").get<double>());
  options.decision_timeout = absl::Seconds(job.at("decision_timeout").get<double>());
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(job.at("settings").dump(), &options.settings);
  if (!parsed.ok()) {
    Die(absl::StrCat("settings: ", parsed.ToString()));
  }
  return options;
}

void Train(const nlohmann::json& job, uint32_t rank) {
  const std::string path =
      absl::StrCat(job.at("folder").get<std::string>(), "/rank-", rank, ".jsonl");
  std::ofstream steps(path, std::ios::app);
  Collective collective(job.at("agree"), rank);
  int64_t step = 0;
  ClientOptions options = MakeOptions(job, rank);
  options.agree = [&](uint64_t hash) { return collective.Agree(step, hash); };
  auto mutex = std::make_shared<absl::Mutex>();
  options.log = [mutex, log = std::make_shared<std::ofstream>(path + ".log", std::ios::app)](
                    std::string_view line) {
    absl::MutexLock lock(mutex.get());
    *log << line << std::endl;
  };
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
  if (!client.ok()) {
    Die(client.status().ToString());
  }
  const std::chrono::duration<double> compute(job.at("step_seconds").get<double>());
  Model model;
  for (;; ++step) {
    std::this_thread::sleep_for(compute);
    model.Train(step);
    const Clock::time_point start = Clock::now();
    const StepResult result =
        (*client)->Step(step, Model::Losses(rank, step), Model::ExampleIds(rank), model.tensors());
    const Clock::time_point end = Clock::now();
    const nlohmann::json line = {
        {"step", step},
        {"ended", Seconds(end.time_since_epoch())},
        // In the client, its agree excepted.
        {"waited", Seconds(end - start) - collective.seconds()},
        {"connected", result.connected},
        {"generation", result.generation},
        {"applied", result.applied},
        {"agreed", result.applied ? collective.newest().min : 0},
        {"crc", model.Crc()},
        {"decision", result.decision ? Describe(*result.decision) : nlohmann::json()},
    };
    steps << line.dump() + "\n" << std::flush;
    if (collective.is_last_step()) {
      break;
    }
  }
  (*client)->Leave(/*completed=*/true);
}

void Run(const nlohmann::json& job) {
  std::vector<std::thread> threads;
  const uint32_t first = job.at("first_rank");
  for (uint32_t i = 0; i < job.at("ranks").get<uint32_t>(); ++i) {
    threads.emplace_back([&job, rank = first + i] { Train(job, rank); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  if (argc != 2) {
    lehr::Die("usage: fault_rank JOB_AS_JSON");
  }
  lehr::Run(nlohmann::json::parse(argv[1]));
}
