// Reads the golden vectors in tests/golden/noise/: comma-separated rows under a line of column
// names.

#ifndef LEHR_TESTS_CLIENT_CORE_GOLDEN_VECTORS_H_
#define LEHR_TESTS_CLIENT_CORE_GOLDEN_VECTORS_H_

#include <bit>
#include <cstdint>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace lehr {

class GoldenRow {
 public:
  GoldenRow(const std::vector<std::string>& columns, const std::vector<std::string>& cells) {
    if (columns.size() != cells.size()) {
      throw std::runtime_error("golden row with another number of cells than its header");
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      cells_[columns[i]] = cells[i];
    }
  }

  const std::string& Text(const std::string& column) const { return cells_.at(column); }
  // Decimal, or hexadecimal with 0x.
  std::uint64_t Word(const std::string& column) const {
    return std::stoull(Text(column), nullptr, /*base=*/0);
  }
  std::uint32_t Bits(const std::string& column) const {
    return static_cast<std::uint32_t>(Word(column));
  }
  float Float(const std::string& column) const { return std::bit_cast<float>(Bits(column)); }
  double Double(const std::string& column) const { return std::stod(Text(column)); }

 private:
  std::map<std::string, std::string> cells_;
};

inline std::vector<GoldenRow> ReadGolden(const std::string& name) {
  const std::string path = std::string(LEHR_SOURCE_DIR) + "/tests/golden/noise/" + name;
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    throw std::runtime_error("cannot read " + path);
  }
  const std::vector<std::string> columns = absl::StrSplit(line, ',');
  std::vector<GoldenRow> rows;
  while (std::getline(file, line)) {
    rows.emplace_back(columns, absl::StrSplit(line, ','));
  }
  return rows;
}

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_CORE_GOLDEN_VECTORS_H_
