// What Lehr costs a trainer: steps that compute for a millisecond, with Client calls around the
// computation and without, in turns within one run; one rank or, under mpirun, more of them, whose
// agreement then rides on the all-reduce that both variants do.
//
// Prints the median of the ratios of neighbouring rounds, in which the machine is much the same,
// with the interval that holds the true median at 95 % (order statistics, no assumption about the
// distribution); the same for two rounds without Lehr, which must hold 100 %: it says what the
// machine lets be seen; the time that the trainer's thread spends within the calls, by the clock
// and on its CPU; and how often a supervised step sleeps, or another thread takes its CPU. Once
// with a run that is only observed, as nearly all steps of a run are, and once with a command at
// each step, which must reach the disk before it is sent.
//
// The aim is to keep 99 % of the steps/s of one rank with a lag of 1, where another core is idle:
// Lehr's other threads and lehrd run there.
//
//   build/bin/supervised_step_benchmark                     # starts a build/bin/lehrd of its own
//   mpirun -n 2 build/bin/supervised_step_benchmark
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "client/client.h"
#include "trainer/collective.h"
#include "trainer/ranks.h"

namespace lehr {
namespace {

constexpr int kRounds = 201;
// Short, so that whatever else the machine does hits neighbours alike.
constexpr int kStepsARound = 20;
// Before the clock starts: the change from one variant to the other is not to count.
constexpr int kWarmUpSteps = 5;
constexpr double kStepSeconds = 1e-3;
constexpr size_t kLosses = 128;
constexpr size_t kParameters = 10'000;

// A lehrd beside this program, in a process of its own. It ends with the object.
class Lehrd {
 public:
  Lehrd() {
    std::string folder = (std::filesystem::temp_directory_path() / "lehr-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    const auto binary = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lehrd";
    const std::string command = "echo $$; exec " + binary.string() +
                                " --listen=127.0.0.1:0 --http=none --data_dir=" + folder_ +
                                "/data 2>&1";
    pipe_ = popen(command.c_str(), "r");
    char line[4096] = "";
    fgets(line, sizeof(line), pipe_);
    process_ = std::stoi(line);
    const std::string before_address = "127.0.0.1:";
    while (address_.empty() && fgets(line, sizeof(line), pipe_) != nullptr) {
      const std::string text = line;
      const size_t begin = text.find(before_address);
      if (begin != std::string::npos) {
        const size_t end = text.find_first_not_of("0123456789", begin + before_address.size());
        address_ = text.substr(begin, end - begin);
      }
    }
  }
  ~Lehrd() {
    kill(process_, SIGKILL);
    pclose(pipe_);
    std::filesystem::remove_all(folder_);
  }
  Lehrd(const Lehrd&) = delete;
  Lehrd& operator=(const Lehrd&) = delete;

  const std::string& address() const { return address_; }

 private:
  std::string folder_;
  FILE* pipe_;
  pid_t process_;
  std::string address_;
};

double Seconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// "99.50 % (99.31 to 99.64)": the median of the ratios, and its interval at 95 %.
std::string Percent(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  // The number of values below the true median is binomial: n/2, give or take sqrt(n)/2.
  const auto n = static_cast<double>(ratios.size());
  const auto low = static_cast<size_t>(std::floor(n / 2 - 1.96 * std::sqrt(n) / 2));
  return absl::StrFormat("%.2f %% (%.2f to %.2f)", 100 * ratios[ratios.size() / 2],
                         100 * ratios[low], 100 * ratios[ratios.size() - 1 - low]);
}

// The same arithmetic each time, so that what Lehr does to the caches counts too.
class Computation {
 public:
  Computation() {
    std::vector<double> times;
    for (int i = 0; i < 1000; ++i) {
      const double start = Seconds(CLOCK_THREAD_CPUTIME_ID);
      Run();
      times.push_back(Seconds(CLOCK_THREAD_CPUTIME_ID) - start);
    }
    passes_ = std::max(1, static_cast<int>(kPassesToTime * kStepSeconds / Median(times)));
  }

  // Takes about kStepSeconds. Not inline: both variants are to run the same instructions.
  [[gnu::noinline]] void Run() {
    for (int pass = 0; pass < passes_; ++pass) {
      for (float& value : values_) {
        value = value * 0.999F + 0.001F;
      }
    }
  }

 private:
  static constexpr int kPassesToTime = 20;
  int passes_ = kPassesToTime;
  std::vector<float> values_ = std::vector<float>(kParameters);
};

class Trainer {
 public:
  Trainer(Collective& ranks, const std::string& address, uint32_t lag, bool commands)
      : ranks_(ranks) {
    ClientOptions options;
    options.supervisor = address;
    options.run_id = absl::StrCat("lag-", lag, commands ? "-commands" : "-observed");
    options.rank = static_cast<uint32_t>(ranks.rank());
    options.world_size = static_cast<uint32_t>(ranks.size());
    options.job_attempt = SharedNonce(ranks);
    options.can_agree = true;
    options.settings.set_lag(lag);
    options.settings.mutable_policy()->set_observe(!commands);
    // A command does next to nothing.
    options.settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(1e-6);
    options.log = [](std::string_view) {};
    client_ = *Client::Create(std::move(options));
  }

  void PlainStep() {
    computation_.Run();
    StepTotals totals;
    ranks_.AllReduce(absl::MakeSpan(gradients_), totals);
  }

  void SupervisedStep() {
    SupervisedStep([](const auto& call) { return call(); });
  }

  // Takes longer than SupervisedStep: it looks at the clock. Returns seconds.
  double TimeInCalls(clockid_t clock) {
    double seconds = 0;
    SupervisedStep([&](const auto& call) {
      const double start = Seconds(clock);
      const auto result = call();
      seconds += Seconds(clock) - start;
      return result;
    });
    return seconds;
  }

 private:
  // `around` calls what it is given.
  template <typename Around>
  void SupervisedStep(const Around& around) {
    around([&] {
      client_->Report(step_++, losses_, {});
      return 0;
    });
    // Forward and backward pass.
    computation_.Run();
    const uint64_t hash = around([&] { return client_->AwaitCommandHash(tensors_); });
    StepTotals totals = {.least_command = hash, .greatest_command = hash};
    ranks_.AllReduce(absl::MakeSpan(gradients_), totals);
    const AgreeResult agreed = {.min = totals.least_command, .max = totals.greatest_command};
    around([&] { return client_->Apply(agreed); });
  }

  Collective& ranks_;
  std::unique_ptr<Client> client_;
  int64_t step_ = 0;
  // Uneven: hot.
  const std::vector<float> losses_ = [] {
    std::vector<float> losses(kLosses, 0.5F);
    losses[0] = 8;
    return losses;
  }();
  std::vector<float> gradients_ = std::vector<float>(kParameters);
  // Few, so that the cost of the command is not that of its noise.
  std::vector<float> weights_ = std::vector<float>(16);
  const std::vector<Tensor> tensors_ = {{.name = "weight", .values = absl::MakeSpan(weights_)}};
  Computation computation_;
};

template <typename Step>
double TimeOfRound(const Step& step) {
  for (int i = 0; i < kWarmUpSteps; ++i) {
    step();
  }
  const double start = Seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < kStepsARound; ++i) {
    step();
  }
  return Seconds(CLOCK_MONOTONIC) - start;
}

// Of this thread, so far: how often it waited, and how often it had to give way.
struct Switches {
  static Switches Now() {
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return {.slept = static_cast<double>(usage.ru_nvcsw),
            .preempted = static_cast<double>(usage.ru_nivcsw)};
  }
  double slept = 0;
  double preempted = 0;
};

void Compare(Collective& ranks, const std::string& address, uint32_t lag, bool commands) {
  Trainer trainer(ranks, address, lag, commands);
  TimeOfRound([&] { trainer.SupervisedStep(); });
  std::vector<double> with_lehr;
  std::vector<double> without;
  std::vector<double> cpu_times;
  std::vector<double> times;
  Switches switches;
  for (int round = 0; round < kRounds; ++round) {
    // The supervised round stands between two plain ones, so that a drift cancels.
    const double before = TimeOfRound([&] { trainer.PlainStep(); });
    const Switches start = Switches::Now();
    const double supervised = TimeOfRound([&] { trainer.SupervisedStep(); });
    const Switches end = Switches::Now();
    const double after = TimeOfRound([&] { trainer.PlainStep(); });
    with_lehr.push_back((before + after) / 2 / supervised);
    without.push_back(before / after);
    switches.slept += end.slept - start.slept;
    switches.preempted += end.preempted - start.preempted;
    TimeOfRound([&] { cpu_times.push_back(trainer.TimeInCalls(CLOCK_THREAD_CPUTIME_ID)); });
    TimeOfRound([&] { times.push_back(trainer.TimeInCalls(CLOCK_MONOTONIC)); });
  }
  if (ranks.rank() == 0) {
    constexpr double kSteps = kRounds * (kWarmUpSteps + kStepsARound);
    absl::PrintF(
        "ranks %d, lag %d, steps of 1 ms, %s, %d rounds: with Lehr %s of the steps/s; two rounds "
        "without it: %s; in a step's calls %.1f us, %.1f us of them on the CPU (medians); "
        "a step slept %.3f times and was preempted %.3f times\n",
        ranks.size(), lag, commands ? "a command at each" : "observed", kRounds, Percent(with_lehr),
        Percent(without), 1e6 * Median(times), 1e6 * Median(cpu_times), switches.slept / kSteps,
        switches.preempted / kSteps);
    std::fflush(stdout);
  }
}

void Run() {
  Collective ranks;
  std::unique_ptr<Lehrd> lehrd;
  std::string address;
  if (ranks.rank() == 0) {
    lehrd = std::make_unique<Lehrd>();
    address = lehrd->address();
  }
  ranks.Broadcast(address);
  for (const uint32_t lag : {1U, 0U}) {
    for (const bool commands : {false, true}) {
      Compare(ranks, address, lag, commands);
    }
  }
}

}  // namespace
}  // namespace lehr

int main() { lehr::Run(); }
