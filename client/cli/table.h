// Rows of cells, aligned in columns that are as wide as their widest cell:
//
//   RUN        STATE    STEP
//   digits-3   active   1204
//
// A column is right-aligned if all its cells below the header are numbers. Cells hold UTF-8 without
// wide or combining characters.
#ifndef LEHR_CLIENT_CLI_TABLE_H_
#define LEHR_CLIENT_CLI_TABLE_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace lehr {

// Unit: characters.
size_t TextWidth(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}

  // As many cells as the header has.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // `bold_header`: with a terminal's escape codes around the header.
  void Print(std::ostream& out, bool bold_header) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_TABLE_H_
