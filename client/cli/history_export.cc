#include "client/cli/history_export.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
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

// What it commands, or would have.
const google::protobuf::RepeatedPtrField<v1::Action>& ActionsOf(const v1::HistoryEntry& entry) {
  const v1::Decision& decision = entry.decision();
  return decision.actions().empty() ? decision.withheld() : decision.actions();
}

// The first action of a kind; null: there is none.
const v1::Action* First(const v1::HistoryEntry& entry, bool (v1::Action::*is_kind)() const) {
  const auto& actions = ActionsOf(entry);
  const auto found = std::find_if(actions.begin(), actions.end(),
                                  [&](const v1::Action& action) { return (action.*is_kind)(); });
  return found == actions.end() ? nullptr : &*found;
}

std::string FirstStddev(const v1::HistoryEntry& entry) {
  const v1::Action* noise = First(entry, &v1::Action::has_perturb);
  return noise != nullptr ? Exact(noise->perturb().stddev()) : ActionsOf(entry).empty() ? "" : "0";
}

std::string LearningRateFactor(const v1::HistoryEntry& entry) {
  const v1::Action* scale = First(entry, &v1::Action::has_learning_rate);
  return scale == nullptr ? "" : Exact(scale->learning_rate().factor());
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
          "applied_ranks,skipped_ranks,coverage,dead_examples,p10,p50,p90,tied_share,"
          "identity,learning_rate\n";
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
      observation.has_tied_share() ? Exact(observation.tied_share()) : "",
      First(entry, &v1::Action::has_identity) != nullptr ? "1" : "0",
      LearningRateFactor(entry),
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
