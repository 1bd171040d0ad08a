// What a decision commands, in words. Pure.
#ifndef LEHR_CLIENT_CLI_ACTION_TEXT_H_
#define LEHR_CLIENT_CLI_ACTION_TEXT_H_

#include <string>

#include "lehr/v1/decision.pb.h"

namespace lehr {

// "restore 1", "noise 2 (relative), optimizer reset", "identity", "learning rate x 0.1".
std::string ActionText(const v1::Action& action);

// All that it commands, or would have: "restore 1, noise 2 (relative), optimizer reset".
std::string ActionsText(const v1::Decision& decision);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_ACTION_TEXT_H_
