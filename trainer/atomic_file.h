// Replaces a file in one step: after a crash there is the old content or the new one, never a part.
//
//   absl::Status status = ReplaceFile("run.checkpoint", content);
#ifndef LEHR_TRAINER_ATOMIC_FILE_H_
#define LEHR_TRAINER_ATOMIC_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace lehr {

// Writes PATH.tmp, syncs it, renames it to PATH and syncs the folder. Refuses a PATH that is not a
// regular file (a device, a folder). On an error, which names the path, PATH is as it was.
absl::Status ReplaceFile(const std::string& path, std::string_view content);

}  // namespace lehr

#endif  // LEHR_TRAINER_ATOMIC_FILE_H_
