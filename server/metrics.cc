#include "server/metrics.h"

#include <google/protobuf/descriptor.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/process_metrics.h"

namespace lehr {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

Counter& AddCounter(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

Histogram& AddHistogram(Registry& registry, const char* name, const char* help,
                        const Histogram::BucketBoundaries& buckets) {
  return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

// A counter for each value of a proto enum but "unspecified", as label "acted" for CODE_ACTED. All
// exist from the start, so that a rate never misses the first event.
class EnumCounters {
 public:
  EnumCounters(Registry& registry, const char* name, const char* help, const char* label,
               const google::protobuf::EnumDescriptor* values) {
    auto& family = BuildCounter().Name(name).Help(help).Register(registry);
    for (int i = 0; i < values->value_count(); ++i) {
      const google::protobuf::EnumValueDescriptor& value = *values->value(i);
      if (value.number() == 0) {
        continue;
      }
      const std::string word = absl::AsciiStrToLower(value.name());
      counters_[value.number()] = &family.Add({{label, word.substr(word.find('_') + 1)}});
    }
  }

  void Increment(int value) {
    const auto counter = counters_.find(value);
    if (counter != counters_.end()) {
      counter->second->Increment();
    }
  }

 private:
  std::map<int, Counter*> counters_;
};

// One observation that is no number would spoil the sum for good.
void Observe(Histogram& histogram, absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (std::isfinite(seconds)) {
    histogram.Observe(std::max(seconds, 0.0));
  }
}

const Histogram::BucketBoundaries kLatencyBuckets = {1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4,
                                                     1e-3, 2.5e-3, 5e-3, 0.01, 0.1,    1};
const Histogram::BucketBoundaries kWaitBuckets = {1e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1,
                                                  0.5,  1,    5,    10,   60,   600};
const Histogram::BucketBoundaries kDiskBuckets = {1e-4,  2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01,
                                                  0.025, 0.05,   0.1,  0.5,  1,      10};

}  // namespace

struct Metrics::Series {
  explicit Series(int max_run_series) : runs(registry, max_run_series) {
    BuildGauge()
        .Name("lehr_build_info")
        .Help("Always 1; the version is in the label.")
        .Register(registry)
        .Add({{"version", LEHR_VERSION}})
        .Set(1);
  }

  Counter& LeftOut(const char* reason) { return left_out.Add({{"reason", reason}}); }

  Registry registry;

  Gauge& streams = BuildGauge()
                       .Name("lehr_streams")
                       .Help("Streams of ranks and sidecars that are open.")
                       .Register(registry)
                       .Add({});
  Counter& streams_opened = AddCounter(registry, "lehr_streams_opened_total",
                                       "Streams of ranks and sidecars that were opened.");

  Counter& report_messages = AddCounter(registry, "lehr_report_messages_total",
                                        "Messages with a report or a piece of one, as received.");
  Counter& node_reports =
      AddCounter(registry, "lehr_node_reports_total",
                 "Messages with the losses of a node, sent by a sidecar or received from one.");
  Counter& node_report_ranks =
      AddCounter(registry, "lehr_node_report_ranks_total",
                 "Ranks that messages with the losses of a node count for.");
  Counter& losses = AddCounter(registry, "lehr_losses_total", "Losses in reports, as received.");
  prometheus::Family<Counter>& left_out =
      BuildCounter()
          .Name("lehr_losses_left_out_total")
          .Help("Losses that no observation is made of, by reason.")
          .Register(registry);
  Counter& nan_losses = LeftOut("nan");
  Counter& infinite_losses = LeftOut("infinite");
  Counter& negative_losses = LeftOut("negative");
  Counter& late_losses = LeftOut("late");
  EnumCounters refused{registry, "lehr_reports_refused_total",
                       "Reports that were refused, by code.", "code",
                       v1::Refused::Code_descriptor()};
  Counter& conflicts = AddCounter(registry, "lehr_report_conflicts_total",
                                  "Reports with the key of an earlier one and other losses.");

  Counter& replica_differences =
      AddCounter(registry, "lehr_replica_differences_total",
                 "Reports whose parameter digest differs from that of a replica.");

  Counter& generations =
      AddCounter(registry, "lehr_generations_opened_total", "Generations that were opened.");
  EnumCounters decisions{registry, "lehr_decisions_total", "Decisions, by reason.", "reason",
                         v1::Reason::Code_descriptor()};
  Counter& commands =
      AddCounter(registry, "lehr_commands_total", "Decisions that command something.");
  EnumCounters outcomes{registry, "lehr_command_outcomes_total",
                        "Commands whose outcome was reported, by result.", "result",
                        v1::CommandOutcome::Result_descriptor()};
  Histogram& barrier_wait =
      AddHistogram(registry, "lehr_barrier_wait_seconds",
                   "From the first report of a step to its last.", kWaitBuckets);
  Histogram& decision_latency =
      AddHistogram(registry, "lehr_decision_latency_seconds",
                   "From the last report of a step to its decision.", kLatencyBuckets);

  Counter& journal_records =
      AddCounter(registry, "lehr_journal_records_total", "Records that are on the disk.");
  Histogram& journal_commit =
      AddHistogram(registry, "lehr_journal_commit_seconds",
                   "One write of the journal to the disk, sync included.", kDiskBuckets);

  prometheus::Family<Counter>& http_requests = BuildCounter()
                                                   .Name("lehr_http_requests_total")
                                                   .Help("HTTP requests, by route and status code.")
                                                   .Register(registry);

  RunSeries runs;
};

Metrics::Metrics(int max_run_series) : series_(std::make_unique<Series>(max_run_series)) {}

Metrics::~Metrics() = default;

void Metrics::StreamOpened() {
  series_->streams.Increment();
  series_->streams_opened.Increment();
}

void Metrics::StreamClosed() { series_->streams.Decrement(); }

void Metrics::ReportReceived(std::uint64_t losses) {
  series_->report_messages.Increment();
  series_->losses.Increment(static_cast<double>(losses));
}

void Metrics::NodeReport(std::uint32_t ranks) {
  series_->node_reports.Increment();
  series_->node_report_ranks.Increment(ranks);
}

void Metrics::ReportRefused(v1::Refused::Code code) { series_->refused.Increment(code); }

void Metrics::ConflictSeen() { series_->conflicts.Increment(); }

void Metrics::ReplicasDiffer(std::string_view run_id, const RunStatus& status) {
  series_->replica_differences.Increment();
  series_->runs.StatusChanged(run_id, status);
}

void Metrics::LateReport(std::uint64_t losses) {
  series_->late_losses.Increment(static_cast<double>(losses));
}

void Metrics::GenerationOpened() { series_->generations.Increment(); }

void Metrics::RankConnected(std::string_view run_id, const RunStatus& status) {
  series_->runs.RankConnected(run_id, status);
}

void Metrics::RankDisconnected(std::string_view run_id, const RunStatus& status) {
  series_->runs.StatusChanged(run_id, status);
}

void Metrics::RunEnded(std::string_view run_id) { series_->runs.RunEnded(run_id); }

void Metrics::DecisionMade(std::string_view run_id, const v1::Decision& decision,
                           const RunStatus& status, absl::Duration barrier_wait,
                           absl::Duration latency) {
  const v1::Observation& observation = decision.observation();
  series_->decisions.Increment(decision.reason().code());
  if (!decision.actions().empty()) {
    series_->commands.Increment();
  }
  series_->nan_losses.Increment(static_cast<double>(observation.nan_losses()));
  series_->infinite_losses.Increment(static_cast<double>(observation.infinite_losses()));
  series_->negative_losses.Increment(static_cast<double>(observation.negative_losses()));
  Observe(series_->barrier_wait, barrier_wait);
  Observe(series_->decision_latency, latency);
  series_->runs.DecisionMade(run_id, decision, status);
}

void Metrics::OutcomeReported(v1::CommandOutcome::Result result) {
  series_->outcomes.Increment(result);
}

void Metrics::JournalCommitted(std::uint64_t records, absl::Duration duration) {
  series_->journal_records.Increment(static_cast<double>(records));
  Observe(series_->journal_commit, duration);
}

void Metrics::HttpRequest(std::string_view path, int code) {
  series_->http_requests.Add({{"path", std::string(path)}, {"code", absl::StrCat(code)}})
      .Increment();
}

std::string Metrics::Serialize() const {
  std::vector<prometheus::MetricFamily> families = series_->registry.Collect();
  for (prometheus::MetricFamily& family : CollectProcessMetrics()) {
    families.push_back(std::move(family));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace lehr
