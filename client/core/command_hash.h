// The hash on which ranks agree before any of them applies a command.
//
// Byte layout: section 10 of proto/lehr/v1/NOISE.md. Threading: pure.

#ifndef LEHR_CLIENT_CORE_COMMAND_HASH_H_
#define LEHR_CLIENT_CORE_COMMAND_HASH_H_

#include <cstdint>

#include "absl/types/span.h"
#include "client/core/command_action.h"

namespace lehr {

// A hash of a command's actions in their order: every field of every action counts. 0 for no
// actions, which is also what a rank without a command says; never 0 otherwise.
std::uint64_t HashActions(absl::Span<const CommandAction> actions);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_COMMAND_HASH_H_
