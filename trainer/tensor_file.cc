#include "trainer/tensor_file.h"

#include <zlib.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lehr {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kChecksumField = "\"crc32\":\"";
constexpr std::string_view kNoChecksum = "00000000";

std::string Checksum(std::string_view bytes) {
  return absl::StrFormat(
      "%08x",
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

absl::Status NotATensorFile(std::string_view reason) {
  return absl::DataLossError(std::string(reason));
}

// Whether the checksum in the header, if it is there, is that of all bytes.
bool HasValidChecksum(std::string_view bytes, size_t header_size) {
  const size_t field = bytes.substr(0, kLengthBytes + header_size).find(kChecksumField);
  if (field == std::string_view::npos) {
    return false;
  }
  const size_t digits = field + kChecksumField.size();
  std::string without(bytes);
  without.replace(digits, kNoChecksum.size(), kNoChecksum);
  return Checksum(without) == bytes.substr(digits, kNoChecksum.size());
}

// Throws Json::exception where the entry has another form.
absl::StatusOr<StoredTensor> DecodeTensor(const Json& entry, std::string_view data) {
  const size_t begin = entry.at("data_offsets").at(0);
  const size_t end = entry.at("data_offsets").at(1);
  if (entry.at("dtype") != "F32" || begin > end || end > data.size()) {
    return NotATensorFile(absl::StrCat("malformed tensor: ", entry.dump()));
  }
  StoredTensor tensor = {.shape = entry.at("shape"), .values = {}};
  tensor.values.resize((end - begin) / sizeof(float));
  std::memcpy(tensor.values.data(), data.data() + begin, tensor.values.size() * sizeof(float));
  return tensor;
}

absl::StatusOr<TensorFile> DecodeHeader(const Json& header, std::string_view data) {
  TensorFile file;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      file.metadata = entry;
      file.metadata.erase("crc32");
      continue;
    }
    absl::StatusOr<StoredTensor> tensor = DecodeTensor(entry, data);
    if (!tensor.ok()) {
      return tensor.status();
    }
    file.tensors[name] = *std::move(tensor);
  }
  return file;
}

}  // namespace

std::string EncodeTensorFile(const TensorFile& file) {
  Json header;
  header["__metadata__"] = file.metadata;
  header["__metadata__"]["crc32"] = kNoChecksum;
  std::string data;
  for (const auto& [name, tensor] : file.tensors) {
    const size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()),
                tensor.values.size() * sizeof(float));
    header[name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), kLengthBytes);
  bytes += text;
  bytes += data;
  const std::string checksum = Checksum(bytes);
  bytes.replace(bytes.find(kChecksumField) + kChecksumField.size(), checksum.size(), checksum);
  return bytes;
}

absl::StatusOr<TensorFile> DecodeTensorFile(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return NotATensorFile(absl::StrCat("truncated: it has ", bytes.size(), " bytes"));
  }
  uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), kLengthBytes);
  if (header_size > bytes.size() - kLengthBytes) {
    return NotATensorFile("truncated within its header, or not a file of tensors");
  }
  if (!HasValidChecksum(bytes, header_size)) {
    return NotATensorFile("truncated or corrupt: its checksum is wrong");
  }
  try {
    return DecodeHeader(Json::parse(bytes.substr(kLengthBytes, header_size)),
                        bytes.substr(kLengthBytes + header_size));
  } catch (const Json::exception& error) {
    return NotATensorFile(absl::StrCat("malformed header: ", error.what()));
  }
}

}  // namespace lehr
