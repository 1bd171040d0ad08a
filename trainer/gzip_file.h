// Reads a whole file, unpacking it if it is gzip-compressed.
//
//   absl::StatusOr<std::string> text = ReadMaybeGzipFile("digits.csv.gz");
#ifndef LEHR_TRAINER_GZIP_FILE_H_
#define LEHR_TRAINER_GZIP_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace lehr {

// The most that a data file may hold once unpacked.
inline constexpr size_t kMaxDataFileBytes = size_t{2} << 30;

// NotFound or another code where the file cannot be opened, DataLoss where it is truncated or
// corrupt, OutOfRange above max_bytes. Every message names the file. Safe to call from any thread.
absl::StatusOr<std::string> ReadMaybeGzipFile(const std::string& path,
                                              size_t max_bytes = kMaxDataFileBytes);

}  // namespace lehr

#endif  // LEHR_TRAINER_GZIP_FILE_H_
