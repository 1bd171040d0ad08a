// Files of named binary32 tensors in the safetensors format, with a checksum.
//
//   8 bytes   length of the header, little-endian
//   header    JSON: {"__metadata__": {text: text, ...}, NAME: {"dtype": "F32", "shape": [...],
//             "data_offsets": [begin, end]}, ...}, padded with spaces to a multiple of 8
//   data      the tensors' values, little-endian, row-major, in the order of the header's offsets
//
// The metadata's "crc32" is the CRC-32 of the whole file, taken while these eight hex digits are
// zeros. Python reads such a file with safetensors.numpy.load_file.
#ifndef LEHR_TRAINER_TENSOR_FILE_H_
#define LEHR_TRAINER_TENSOR_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace lehr {

struct StoredTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct TensorFile {
  // Any text to any text; "crc32" is not for the user.
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

// The bytes of a file.
std::string EncodeTensorFile(const TensorFile& file);

// DataLoss, with what is wrong, where the bytes are truncated, changed or not such a file at all.
absl::StatusOr<TensorFile> DecodeTensorFile(std::string_view bytes);

}  // namespace lehr

#endif  // LEHR_TRAINER_TENSOR_FILE_H_
