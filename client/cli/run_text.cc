#include "client/cli/run_text.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/action_text.h"
#include "client/cli/reason_text.h"
#include "client/cli/table.h"

namespace lehr {
namespace {

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string Short(double number) { return absl::StrFormat("%.4g", number); }

std::string StepText(int64_t step) { return step < 0 ? "-" : absl::StrCat(step); }

// A number of the newest observation, or "-" where nothing was measured.
std::string Measured(const v1::Run& run, double number) {
  return run.observation().count() == 0 ? "-" : Short(number);
}

std::string LeftOutText(const v1::Observation& observation) {
  std::vector<std::string> kinds;
  const auto add = [&](uint64_t count, const char* kind) {
    if (count > 0) {
      kinds.push_back(absl::StrCat(count, " ", kind));
    }
  };
  add(observation.nan_losses(), "NaN");
  add(observation.infinite_losses(), "infinite");
  add(observation.negative_losses(), "negative");
  return kinds.empty() ? "" : absl::StrCat("; left out: ", absl::StrJoin(kinds, ", "));
}

using Examples = google::protobuf::RepeatedPtrField<v1::ExampleLoss>;

std::string ExamplesText(const Examples& examples) {
  return absl::StrJoin(examples, ", ", [](std::string* out, const v1::ExampleLoss& example) {
    absl::StrAppendFormat(out, "%.4g (example %d)", example.loss(), example.example_id());
  });
}

std::string CoverageText(const v1::Run& run) {
  return absl::StrFormat(
      "%.4g %% of %d examples are known", 100 * run.observation().coverage(),
      std::min<uint64_t>(run.settings().dataset_examples(), run.settings().table_examples()));
}

// Where there are more dead examples than it lists.
const char* More(const v1::Observation& observation) {
  const auto listed = static_cast<uint64_t>(observation.dead_size());
  return observation.dead_examples() > listed ? ", ..." : "";
}

std::string DeadText(const v1::Observation& observation) {
  if (observation.dead_examples() == 0) {
    return "no examples";
  }
  return absl::StrCat(observation.dead_examples(), " examples: ", ExamplesText(observation.dead()),
                      More(observation));
}

std::string TiedText(double share) {
  return absl::StrFormat("%.3g %% of the loss ties exactly, as that of dead data does",
                         100 * share);
}

// The stddev of the first noise that it commands.
std::string NoiseText(const v1::Decision& decision) {
  const auto noise = std::find_if(decision.actions().begin(), decision.actions().end(),
                                  [](const v1::Action& action) { return action.has_perturb(); });
  return noise == decision.actions().end() ? "-" : Short(noise->perturb().stddev());
}

// What it commands that the column of the noise does not tell: "; identity".
std::string ChangesText(const v1::Decision& decision) {
  std::string text;
  for (const v1::Action& action : decision.actions()) {
    if (!action.has_perturb() && !action.has_snapshot()) {
      absl::StrAppend(&text, "; ", ActionText(action));
    }
  }
  return text;
}

// What a line of a dataset's decision tells beside its reason.
std::string DatasetText(const v1::Observation& observation) {
  std::string text;
  if (observation.coverage() > 0 && observation.coverage() < 1) {
    absl::StrAppendFormat(&text, "; %.3g %% known", 100 * observation.coverage());
  }
  if (observation.dead_examples() > 0) {
    const std::string ids =
        absl::StrJoin(observation.dead(), ", ", [](std::string* out, const v1::ExampleLoss& dead) {
          absl::StrAppend(out, dead.example_id());
        });
    absl::StrAppend(&text, "; ", observation.dead_examples(), " dead: ", ids, More(observation));
  }
  return text;
}

std::string DurationText(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(absl::Seconds(duration.seconds()) +
                              absl::Nanoseconds(duration.nanos()));
}

std::string SettingsText(const v1::RunSettings& settings) {
  std::string text =
      absl::StrCat("lag ", settings.lag(), ", run_seed ", settings.run_seed(),
                   ", straggler_timeout ", DurationText(settings.straggler_timeout()),
                   ", join_timeout ", DurationText(settings.join_timeout()));
  if (settings.scope() == v1::LOSS_SCOPE_DATASET) {
    absl::StrAppend(&text, ", scope dataset of ", settings.dataset_examples(),
                    " examples, table_examples ", settings.table_examples());
  }
  if (settings.loss_offset() != 0) {
    absl::StrAppend(&text, ", loss_offset ", Short(settings.loss_offset()));
  }
  return text;
}

}  // namespace

absl::Time LastSeen(const v1::Run& run) { return ToTime(run.last_seen()); }

std::string AgeText(absl::Duration age) {
  if (age < absl::Minutes(2)) {
    return absl::StrCat(std::max<int64_t>(0, absl::ToInt64Seconds(age)), " s");
  }
  if (age < absl::Hours(2)) {
    return absl::StrCat(absl::ToInt64Minutes(age), " min");
  }
  if (age < absl::Hours(48)) {
    return absl::StrCat(absl::ToInt64Hours(age), " h");
  }
  return absl::StrCat(absl::ToInt64Hours(age) / 24, " d");
}

std::string StateName(v1::RunState state) {
  constexpr size_t kPrefix = sizeof("RUN_STATE_") - 1;
  const std::string& name = v1::RunState_Name(state);
  return name.size() > kPrefix ? absl::AsciiStrToLower(name.substr(kPrefix))
                               : absl::StrCat("state ", static_cast<int>(state));
}

void PrintRuns(const std::vector<v1::Run>& runs, absl::Time now, bool is_terminal,
               std::ostream& out) {
  Table table({"RUN", "STATE", "RANKS", "STEP", "TEMPERATURE", "MEAN LOSS", "COMMANDS", "APPLIED",
               "LAST SEEN", "POLICY"});
  for (const v1::Run& run : runs) {
    table.AddRow({run.run_id(), StateName(run.state()),
                  absl::StrCat(run.connected(), "/", run.world_size()), StepText(run.step()),
                  Measured(run, run.observation().temperature()),
                  Measured(run, run.observation().mean()), absl::StrCat(run.commands()),
                  absl::StrCat(run.applied()), AgeText(now - LastSeen(run)),
                  PolicyText(run.settings().policy())});
  }
  table.Print(out, is_terminal);
}

std::string PolicyText(const v1::Policy& policy) {
  std::string text = policy.observe() ? "observe: " : "";
  if (policy.has_error_driven()) {
    const v1::ErrorDrivenPolicy& rule = policy.error_driven();
    absl::StrAppend(&text, "error_driven, base_noise_level ",
                    Short(rule.has_base_noise_level() ? rule.base_noise_level() : 1));
    if (rule.min_imbalance() > 0) {
      absl::StrAppend(&text, ", min_imbalance ", Short(rule.min_imbalance()));
    }
  } else if (policy.has_reheat()) {
    absl::StrAppend(&text, "reheat");
    if (policy.reheat().planned_steps() > 0) {
      absl::StrAppend(&text, ", planned_steps ", policy.reheat().planned_steps());
    }
  } else {
    absl::StrAppend(&text, "a rule that this version does not know");
  }
  return text;
}

std::string GuardsText(const v1::Guards& guards) {
  std::vector<std::string> limits;
  if (guards.has_max_stddev()) {
    limits.push_back(absl::StrCat("max_stddev ", Short(guards.max_stddev())));
  }
  if (guards.cooldown_steps() > 0) {
    limits.push_back(absl::StrCat("cooldown_steps ", guards.cooldown_steps()));
  }
  if (guards.budget() > 0) {
    limits.push_back(
        absl::StrCat("budget ", guards.budget(), " in ", guards.budget_window_steps(), " steps"));
  }
  if (guards.breaker_factor() > 0) {
    limits.push_back(absl::StrCat("breaker at ", Short(guards.breaker_factor()), " times within ",
                                  guards.breaker_window_steps(), " steps"));
  }
  return limits.empty() ? "none" : absl::StrJoin(limits, ", ");
}

std::vector<RunFact> FactsOf(const v1::Run& run, absl::Time now) {
  const v1::Observation& observation = run.observation();
  std::vector<RunFact> facts;
  const auto fact = [&](const char* name, std::string text) {
    facts.push_back({name, std::move(text)});
  };
  fact("run", run.run_id());
  fact("state", absl::StrCat(StateName(run.state()), run.breaker_open() ? ", breaker open" : "",
                             ", ", run.connected(), " of ", run.world_size(), " ranks connected"));
  fact("generation", absl::StrCat(run.generation()));
  fact("opened",
       absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", ToTime(run.opened()), absl::UTCTimeZone()));
  fact("last seen", absl::StrCat(AgeText(now - LastSeen(run)), " ago"));
  fact("step", StepText(run.step()));
  if (observation.count() > 0) {
    fact("temperature", absl::StrCat(Short(observation.temperature()), " = magnitude ",
                                     Short(observation.magnitude()), " * imbalance ",
                                     Short(observation.imbalance())));
    fact("losses", absl::StrCat(observation.count(), ": mean ", Short(observation.mean()),
                                ", root mean square ", Short(observation.root_mean_square()),
                                ", max ", Short(observation.max()), LeftOutText(observation)));
    fact("quantiles", absl::StrCat("p10 ", Short(observation.p10()), ", median ",
                                   Short(observation.p50()), ", p90 ", Short(observation.p90())));
    if (observation.has_tied_share()) {
      fact("tied losses", TiedText(observation.tied_share()));
    }
    if (observation.highest_size() > 0) {
      fact("highest", ExamplesText(observation.highest()));
    }
    if (run.settings().scope() == v1::LOSS_SCOPE_DATASET) {
      fact("coverage", CoverageText(run));
      fact("dead", DeadText(observation));
    }
  }
  fact("decision", run.step() < 0 ? "none yet" : ReasonText(run.reason()));
  fact("commands",
       absl::StrCat(run.commands(), ", applied ", run.applied(), ", skipped ", run.skipped()));
  if (run.conflicts() > 0) {
    fact("conflicts", absl::StrCat(run.conflicts(), " reports came twice with other losses"));
  }
  if (run.has_replicas_differ_step()) {
    fact("REPLICAS", absl::StrCat("differ: their parameters were not the same before step ",
                                  run.replicas_differ_step()));
  }
  fact("policy", PolicyText(run.settings().policy()));
  fact("guards", GuardsText(run.settings().guards()));
  fact("settings", SettingsText(run.settings()));
  for (const auto& [key, value] :
       std::map<std::string, std::string>(run.labels().begin(), run.labels().end())) {
    fact("label", absl::StrCat(key, " = ", value));
  }
  return facts;
}

void PrintRun(const v1::Run& run, absl::Time now, std::ostream& out) {
  for (const RunFact& fact : FactsOf(run, now)) {
    out << absl::StrFormat("%-12s %s\n", fact.name, fact.text);
  }
}

std::string DecisionHeader() {
  return absl::StrFormat("%10s  %11s  %11s  %9s  %11s  %s", "STEP", "TEMPERATURE", "MEAN LOSS",
                         "IMBALANCE", "NOISE", "REASON");
}

std::string DecisionLine(const v1::Decision& decision, const std::string& graph) {
  const v1::Observation& observation = decision.observation();
  return absl::StrFormat("%10d  %11.4g  %11.4g  %9.4g  %11s  %s%s%s%s", decision.step(),
                         observation.temperature(), observation.mean(), observation.imbalance(),
                         NoiseText(decision), graph.empty() ? "" : graph + "  ",
                         ReasonText(decision.reason()), ChangesText(decision),
                         DatasetText(observation));
}

}  // namespace lehr
