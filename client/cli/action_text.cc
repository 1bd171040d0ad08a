#include "client/cli/action_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace lehr {

std::string ActionText(const v1::Action& action) {
  if (action.has_restore()) {
    return absl::StrCat("restore ", action.restore().id());
  }
  if (action.has_snapshot()) {
    return absl::StrCat("snapshot ", action.snapshot().id());
  }
  if (action.has_identity()) {
    return "identity";
  }
  if (action.has_learning_rate()) {
    return absl::StrFormat("learning rate x %.4g", action.learning_rate().factor());
  }
  if (!action.has_perturb()) {
    return "an action that this version does not know";
  }
  const v1::Perturbation& perturb = action.perturb();
  std::vector<std::string> parts;
  if (perturb.stddev() > 0) {
    parts.push_back(
        absl::StrFormat("noise %.4g%s", perturb.stddev(),
                        perturb.scale() == v1::NOISE_SCALE_RELATIVE ? " (relative)" : ""));
  }
  if (perturb.has_shrink() && perturb.shrink() != 1) {
    parts.push_back(absl::StrFormat("shrink %.4g", perturb.shrink()));
  }
  if (perturb.optimizer_state() == v1::OPTIMIZER_STATE_RESET) {
    parts.emplace_back("optimizer reset");
  }
  std::string text = absl::StrJoin(parts, ", ");
  if (!perturb.tensor_selector().empty()) {
    absl::StrAppend(&text, " on ", perturb.tensor_selector());
  }
  return text;
}

std::string ActionsText(const v1::Decision& decision) {
  const auto& actions = decision.actions().empty() ? decision.withheld() : decision.actions();
  return absl::StrJoin(actions, ", ", [](std::string* out, const v1::Action& action) {
    absl::StrAppend(out, ActionText(action));
  });
}

}  // namespace lehr
