// Reads the IDX files of MNIST and its successors: unsigned bytes with 1 to 4 dimensions,
// big-endian header.
//
//   absl::StatusOr<IdxBytes> images = ReadIdxFile("train-images-idx3-ubyte.gz", /*dimensions=*/3);
#ifndef LEHR_TRAINER_IDX_FILE_H_
#define LEHR_TRAINER_IDX_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lehr {

struct IdxBytes {
  std::vector<int64_t> shape;
  // Row-major.
  std::string values;
};

// The file may be gzip-compressed. DataLoss where it is not IDX, has another count of dimensions,
// or its size does not fit its header; the message names the file and the value. Errors of
// ReadMaybeGzipFile pass through.
absl::StatusOr<IdxBytes> ReadIdxFile(const std::string& path, size_t dimensions);

}  // namespace lehr

#endif  // LEHR_TRAINER_IDX_FILE_H_
