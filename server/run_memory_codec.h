// What guards and policy remember, as the bytes that the journal keeps with each decision.
#ifndef LEHR_SERVER_RUN_MEMORY_CODEC_H_
#define LEHR_SERVER_RUN_MEMORY_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/generation.h"

namespace lehr {

std::string EncodeRunMemory(const RunMemory& memory);
// DATA_LOSS if the bytes are not such a memory.
absl::StatusOr<RunMemory> DecodeRunMemory(std::string_view bytes);

}  // namespace lehr

#endif  // LEHR_SERVER_RUN_MEMORY_CODEC_H_
