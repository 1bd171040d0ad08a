#include "trainer/idx_file.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trainer/gzip_file.h"

namespace lehr {
namespace {

constexpr uint32_t kUnsignedByteMagic = 0x0800;

uint32_t BigEndian32(const std::string& bytes, size_t offset) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[offset + i]);
  }
  return value;
}

}  // namespace

absl::StatusOr<IdxBytes> ReadIdxFile(const std::string& path, size_t dimensions) {
  absl::StatusOr<std::string> content = ReadMaybeGzipFile(path);
  if (!content.ok()) {
    return content.status();
  }
  const size_t header_size = 4 + 4 * dimensions;
  if (content->size() < header_size) {
    return absl::DataLossError(absl::StrCat(path, " is truncated: ", content->size(),
                                            " bytes do not hold an IDX header of ", header_size));
  }
  const uint32_t magic = BigEndian32(*content, 0);
  if (magic != (kUnsignedByteMagic | dimensions)) {
    return absl::DataLossError(absl::StrCat(path, " is not an IDX file of bytes with ", dimensions,
                                            " dimensions: it starts with 0x",
                                            absl::Hex(magic, absl::kZeroPad8)));
  }
  IdxBytes result;
  // Sizes are compared by division, so that no product of four 32-bit extents overflows.
  const size_t size = content->size() - header_size;
  size_t remaining = size;
  bool fits = true;
  for (size_t i = 0; i < dimensions; ++i) {
    const uint32_t extent = BigEndian32(*content, 4 + 4 * i);
    result.shape.push_back(extent);
    fits = fits && extent > 0 && remaining % extent == 0;
    remaining = extent > 0 ? remaining / extent : 0;
  }
  if (!fits || remaining != 1) {
    return absl::DataLossError(absl::StrCat(path, " is truncated or corrupt: its header says ",
                                            absl::StrJoin(result.shape, " × "), " bytes, but ",
                                            size, " follow"));
  }
  content->erase(0, header_size);
  result.values = *std::move(content);
  return result;
}

}  // namespace lehr
