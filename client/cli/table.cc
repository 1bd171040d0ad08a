#include "client/cli/table.h"

#include <algorithm>

#include "absl/strings/numbers.h"

namespace lehr {
namespace {

bool IsNumberOrNone(const std::string& cell) {
  double number;
  return cell == "-" || absl::SimpleAtod(cell, &number);
}

}  // namespace

size_t TextWidth(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

void Table::Print(std::ostream& out, bool bold_header) const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> is_number(columns, rows_.size() > 1);
  for (size_t row = 0; row < rows_.size(); ++row) {
    for (size_t column = 0; column < columns; ++column) {
      const std::string& cell = rows_[row][column];
      widths[column] = std::max(widths[column], TextWidth(cell));
      is_number[column] = is_number[column] && (row == 0 || IsNumberOrNone(cell));
    }
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    std::string line;
    for (size_t column = 0; column < columns; ++column) {
      const std::string& cell = rows_[row][column];
      const std::string padding(widths[column] - TextWidth(cell), ' ');
      line += column == 0 ? "" : "  ";
      line += is_number[column] ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << (row == 0 && bold_header ? "\033[1m" + line + "\033[0m" : line) << '\n';
  }
}

}  // namespace lehr
