// What pages cost the deciding: 200 runs, one of them a million steps long, decided at a steady
// pace, first alone, then with clients of events and queries of the long run's series. Prints how
// long decisions take either way, how long queries do, and what their JSON costs.
#include <arpa/inet.h>
#include <google/protobuf/util/json_util.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/http_api.h"
#include "server/http/http_server.h"
#include "server/http/json.h"
#include "server/journal/journal.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/supervisor.h"
#include "tests/server/join_of.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

constexpr int kRuns = 200;
constexpr int64_t kLongSteps = 1'000'000;
constexpr int kEventClients = 10;
constexpr int kQueryClients = 2;
// Over all runs.
constexpr absl::Duration kPace = absl::Microseconds(500);
constexpr absl::Duration kBetweenRequests = absl::Milliseconds(100);
constexpr absl::Duration kMeasured = absl::Seconds(10);

void Require(const absl::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }
}

class Run {
 public:
  Run(RunTable& table, int number) {
    v1::Join join = JoinOf();
    join.set_run_id(absl::StrCat("run-", number));
    auto seat = table.Join(join, outbox_, absl::Now());
    Require(seat.status());
    seat_ = *std::move(seat);
  }

  // How long the decision took.
  absl::Duration Step() {
    StepReport report;
    report.step = step_++;
    // Of a batch of 64, with something to act on at times.
    std::vector<float> losses(64, 0.5F);
    losses[static_cast<size_t>(report.step) % 64] = 3;
    report.losses.Add(losses);
    const absl::Time start = absl::Now();
    seat_.run->Report(seat_.seat, std::move(report), start);
    const absl::Duration took = absl::Now() - start;
    // Without a Welcome, which waits for the disk, the decision is there.
    while (std::holds_alternative<v1::SuperviseResponse>(outbox_->Take())) {
    }
    return took;
  }

 private:
  const std::shared_ptr<RankOutbox> outbox_ = std::make_shared<RankOutbox>(OutboxOverflow::kClose);
  RankSeat seat_;
  int64_t step_ = 0;
};

int Connected(uint16_t port, const std::string& target) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    Require(absl::ErrnoToStatus(errno, "no connection"));
  }
  return socket;
}

// Reads until the server ends it; the bytes.
size_t ReadAll(int socket, std::array<char, 12>& head) {
  std::array<char, 1 << 16> buffer;
  size_t total = 0;
  for (ssize_t size; (size = recv(socket, buffer.data(), buffer.size(), 0)) > 0;) {
    if (total == 0) {
      std::copy_n(buffer.begin(), std::min<size_t>(size, head.size()), head.begin());
    }
    total += static_cast<size_t>(size);
  }
  close(socket);
  return total;
}

// Unit: ms.
double Quantile(std::vector<absl::Duration> durations, double share) {
  std::sort(durations.begin(), durations.end());
  const auto place = static_cast<size_t>(share * static_cast<double>(durations.size() - 1));
  return absl::ToDoubleMilliseconds(durations[place]);
}

void Print(const char* what, const std::vector<absl::Duration>& durations) {
  std::printf("%-34s %8zu  p50 %7.3f ms  p99 %7.3f ms  p99.9 %7.3f ms  max %7.3f ms\n", what,
              durations.size(), Quantile(durations, 0.5), Quantile(durations, 0.99),
              Quantile(durations, 0.999), Quantile(durations, 1));
}

std::vector<absl::Duration> DecideFor(std::vector<std::unique_ptr<Run>>& runs) {
  std::vector<absl::Duration> latencies;
  const absl::Time end = absl::Now() + kMeasured;
  absl::Time next = absl::Now();
  for (size_t i = 0; absl::Now() < end; ++i) {
    latencies.push_back(runs[i % runs.size()]->Step());
    next += kPace;
    absl::SleepFor(next - absl::Now());
  }
  return latencies;
}

// The long run's series: the whole of it in turn with some range.
HttpRequest SeriesRequest(size_t number, std::mt19937_64& random) {
  HttpRequest request = {.method = "GET", .path = "/api/v1/runs/run-0/series"};
  if (number % 2 == 1) {
    const auto length = int64_t{1} << (random() % 21);
    const auto from = static_cast<int64_t>(random() % kLongSteps);
    request.query = absl::StrCat("from_step=", from, "&to_step=", from + length,
                                 "&points=", 1 + random() % 4000);
  }
  return request;
}

absl::Duration ThreadTime() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

// What a processor works for each, however many others want it.
std::vector<absl::Duration> QueryCosts(HttpApi& api) {
  std::vector<absl::Duration> costs;
  std::mt19937_64 random(3);
  while (costs.size() < 200) {
    const HttpRequest request = SeriesRequest(costs.size(), random);
    const absl::Duration start = ThreadTime();
    const HttpResponse response = api.Handle(request);
    costs.push_back(ThreadTime() - start);
    if (response.code != 200) {
      Require(absl::InternalError(response.body));
    }
  }
  return costs;
}

// The JSON of the largest chart, by server/http/json.h and by protobuf's printer.
void CompareJsonPrinters(const Supervisor& supervisor) {
  v1::GetSeriesRequest request;
  request.set_run_id("run-0");
  request.set_points(4000);
  const absl::StatusOr<v1::GetSeriesResponse> series = supervisor.GetSeries(request);
  Require(series.status());
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::vector<absl::Duration> own;
  std::vector<absl::Duration> of_protobuf;
  while (own.size() < 20) {
    const absl::Duration start = ThreadTime();
    const size_t own_size = ToJson(*series).size();
    const absl::Duration middle = ThreadTime();
    std::string json;
    const auto status = google::protobuf::util::MessageToJsonString(*series, &json, options);
    own.push_back(middle - start);
    of_protobuf.push_back(ThreadTime() - middle);
    if (!status.ok() || own_size == 0) {
      Require(absl::InternalError("no JSON"));
    }
  }
  const double own_median = Quantile(own, 0.5);
  const double median_of_protobuf = Quantile(of_protobuf, 0.5);
  std::printf("%-34s own %.1f ms, protobuf's %.1f ms (p50, processor time), ratio %.2f\n",
              "JSON of a chart of 4000 buckets", own_median, median_of_protobuf,
              own_median / median_of_protobuf);
}

std::vector<absl::Duration> QueryUntil(const std::atomic<bool>& stop, uint16_t port, int seed) {
  std::vector<absl::Duration> latencies;
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  while (!stop) {
    const HttpRequest request = SeriesRequest(latencies.size(), random);
    const std::string target = absl::StrCat(request.path, "?", request.query);
    std::array<char, 12> head = {};
    const absl::Time start = absl::Now();
    ReadAll(Connected(port, target), head);
    latencies.push_back(absl::Now() - start);
    if (std::string(head.data(), head.size()) != "HTTP/1.1 200") {
      Require(absl::InternalError(std::string(head.data(), head.size())));
    }
    // A viewer looks at what it has before it asks again.
    absl::SleepFor(kBetweenRequests);
  }
  return latencies;
}

void Measure() {
  const TemporaryFolder folder;
  StartLogging(LogLevel::kError, LogFormat::kText);
  Metrics metrics(/*max_run_series=*/200);
  auto journal = Journal::Open({.data_dir = folder.Path("data")});
  Require(journal.status());
  auto supervisor = Supervisor::Start({.journal = journal->get(), .metrics = &metrics});
  Require(supervisor.status());
  (*journal)->NotifyDurable([&](uint64_t) { (*supervisor)->OnDurable(); });
  HttpApi api(**supervisor, metrics, HttpApi::Options());
  auto server = HttpServer::Start({.address = {"127.0.0.1", 0}},
                                  [&](const HttpRequest& request) { return api.Handle(request); });
  Require(server.status());
  const uint16_t port = (*server)->port();

  std::vector<std::unique_ptr<Run>> runs;
  for (int i = 0; i < kRuns; ++i) {
    runs.push_back(std::make_unique<Run>((*supervisor)->runs(), i));
  }
  const absl::Time start = absl::Now();
  for (int64_t step = 0; step < kLongSteps; ++step) {
    runs[0]->Step();
  }
  Require((*journal)->Flush(absl::InfiniteFuture()));
  std::printf("%-34s %8.0f decisions/s\n", "one run, as fast as it goes",
              static_cast<double>(kLongSteps) / absl::ToDoubleSeconds(absl::Now() - start));

  const std::vector<absl::Duration> alone = DecideFor(runs);
  Print("decisions alone", alone);

  std::atomic<bool> stop = false;
  std::atomic<size_t> event_bytes = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kEventClients; ++i) {
    threads.emplace_back([&, i] {
      std::array<char, 12> head = {};
      event_bytes += ReadAll(
          Connected(port, i % 2 == 0 ? "/api/v1/events" : "/api/v1/runs/run-0/events"), head);
    });
  }
  std::array<std::vector<absl::Duration>, kQueryClients> queries;
  for (int i = 0; i < kQueryClients; ++i) {
    threads.emplace_back([&, i] { queries[i] = QueryUntil(stop, port, i); });
  }
  const std::vector<absl::Duration> watched = DecideFor(runs);
  stop = true;
  api.StopEvents();
  for (std::thread& thread : threads) {
    thread.join();
  }
  Print("decisions, with 10 event clients", watched);
  std::vector<absl::Duration> all_queries;
  for (const auto& latencies : queries) {
    all_queries.insert(all_queries.end(), latencies.begin(), latencies.end());
  }
  Print("series of a million steps", all_queries);
  Print("the same, processor time", QueryCosts(api));
  CompareJsonPrinters(**supervisor);
  std::printf("%-34s %8.2f MB\n%-34s %8.2f (p50) %8.2f (p99)\n", "events", event_bytes * 1e-6,
              "ratio watched/alone", Quantile(watched, 0.5) / Quantile(alone, 0.5),
              Quantile(watched, 0.99) / Quantile(alone, 0.99));
  server->reset();
  Require((*supervisor)->CloseJournal(absl::Now() + absl::Seconds(60)));
}

}  // namespace
}  // namespace lehr

int main() { lehr::Measure(); }
