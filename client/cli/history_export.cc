#include "client/cli/history_export.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/cli/reason_text.h"

namespace lehr {
namespace {

// The shortest text that reads back as the same number; a float's own shortest, not its double's.
template <typename Number>
std::string Exact(Number number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  return std::string(text, end);
}

std::string FirstStddev(const v1::HistoryEntry& entry) {
  const auto& actions =
      entry.decision().actions().empty() ? entry.decision().withheld() : entry.decision().actions();
  return actions.empty() ? "" : Exact(actions[0].perturb().stddev());
}

}  // namespace

void CsvExport::WriteHeader() {
  if (has_header_) {
    return;
  }
  has_header_ = true;
  out_ << "generation,step,apply_step,closed_unix_ns,losses,temperature,magnitude,imbalance,"
          "unsquared_imbalance,entropy,root_mean_square,mean,max,nan_losses,infinite_losses,"
          "negative_losses,policy,reason,reason_value,reason_limit,actions,withheld,stddev,reports,"
          "applied_ranks,skipped_ranks,coverage,dead_examples,p10,p50,p90\n";
}

void CsvExport::Add(const v1::HistoryEntry& entry) {
  WriteHeader();
  const v1::Decision& decision = entry.decision();
  const v1::Observation& observation = decision.observation();
  const std::vector<std::string> cells = {
      Exact(decision.generation()),
      Exact(decision.step()),
      Exact(decision.apply_step()),
      Exact(decision.closed_unix_ns()),
      Exact(observation.count()),
      Exact(observation.temperature()),
      Exact(observation.magnitude()),
      Exact(observation.imbalance()),
      Exact(observation.unsquared_imbalance()),
      Exact(observation.entropy()),
      Exact(observation.root_mean_square()),
      Exact(observation.mean()),
      Exact(observation.max()),
      Exact(observation.nan_losses()),
      Exact(observation.infinite_losses()),
      Exact(observation.negative_losses()),
      decision.policy(),
      ReasonName(decision.reason().code()),
      Exact(decision.reason().value()),
      Exact(decision.reason().limit()),
      Exact(decision.actions_size()),
      Exact(decision.withheld_size()),
      FirstStddev(entry),
      Exact(decision.reports()),
      Exact(entry.applied()),
      Exact(entry.skipped()),
      Exact(observation.coverage()),
      Exact(observation.dead_examples()),
      Exact(observation.p10()),
      Exact(observation.p50()),
      Exact(observation.p90()),
  };
  out_ << absl::StrJoin(cells, ",") << '\n';
}

void JsonExport::Add(const v1::HistoryEntry& entry) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Cannot fail: a message of this type has a JSON form whatever its values are.
  (void)google::protobuf::util::MessageToJsonString(entry, &json, options);
  out_ << (is_empty_ ? "[\n" : ",\n") << json;
  is_empty_ = false;
}

void JsonExport::Finish() { out_ << (is_empty_ ? "[]\n" : "\n]\n"); }

}  // namespace lehr
