#include "server/journal/journal_rows.h"

#include <zlib.h>

#include "absl/strings/str_cat.h"

namespace lehr {

void RowChecksum::Add(int64_t value) { AddTagged('i', value); }

void RowChecksum::Add(std::string_view bytes) {
  AddTagged('b', static_cast<int64_t>(bytes.size()));
  // crc32_z starts over where it is given a null pointer.
  if (!bytes.empty()) {
    crc_ = static_cast<uint32_t>(
        crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }
}

void RowChecksum::AddTagged(char tag, int64_t value) {
  Bytef bytes[1 + sizeof(value)] = {static_cast<Bytef>(tag)};
  for (size_t i = 0; i < sizeof(value); ++i) {
    bytes[1 + i] = static_cast<Bytef>(static_cast<uint64_t>(value) >> (8 * i));
  }
  crc_ = static_cast<uint32_t>(crc32_z(crc_, bytes, sizeof(bytes)));
}

namespace {

// The integers that a row begins with, by the names of their columns: its key, and sometimes more.
std::string DescribeRow(const sqlite::Statement& row) {
  std::string description;
  for (int column = 0; column < row.columns() - 1 && row.IsInteger(column); ++column) {
    absl::StrAppend(&description, column == 0 ? "" : ", ", row.Name(column), " ",
                    row.Integer(column));
  }
  return description;
}

}  // namespace

absl::Status VerifyRow(const sqlite::Statement& row, std::string_view table) {
  const int payload = row.columns() - 1;
  RowChecksum checksum(table);
  for (int column = 0; column < payload; ++column) {
    if (row.IsInteger(column)) {
      checksum.Add(row.Integer(column));
    } else {
      checksum.Add(row.Bytes(column));
    }
  }
  if (row.Integer(payload) == checksum.value()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(row.path(), ": a row of the table ", std::string(table),
                                          " does not fit its checksum (", DescribeRow(row), ")"));
}

absl::Status ParseColumn(const sqlite::Statement& row, int column,
                         google::protobuf::MessageLite& message) {
  const std::string_view bytes = row.Bytes(column);
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(row.path(), ": a row does not hold a ",
                                          message.GetTypeName(), " (", DescribeRow(row), ")"));
}

}  // namespace lehr
