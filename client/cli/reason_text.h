// Why a decision is what it is, in words: "cooldown: 3 of 10 steps since it acted".
// The meaning of each code's numbers is in lehr/v1/decision.proto.
#ifndef LEHR_CLIENT_CLI_REASON_TEXT_H_
#define LEHR_CLIENT_CLI_REASON_TEXT_H_

#include <string>
#include <string_view>

#include "lehr/v1/decision.pb.h"

namespace lehr {

// A sentence for a person. Empty for a reason that is not set.
std::string ReasonText(const v1::Reason& reason);

// One word for a table or a program, e.g. "cooldown".
std::string ReasonName(v1::Reason::Code code);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_REASON_TEXT_H_
