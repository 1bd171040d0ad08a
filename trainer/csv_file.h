// Reads labelled examples from a CSV file: one column holds the label, as text or number, all
// others numbers.
//
// The first line is a header if none of its fields is a number. Classes are the distinct labels, in
// numeric order if all are numbers, else in the order of their bytes.
//
//   absl::StatusOr<LabelledCsv> iris = ReadLabelledCsv("iris.csv", /*label_column=*/"species");
#ifndef LEHR_TRAINER_CSV_FILE_H_
#define LEHR_TRAINER_CSV_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "trainer/dataset.h"

namespace lehr {

// More distinct labels than this are taken for a column that holds no classes.
inline constexpr size_t kMaxCsvClasses = 1000;

struct LabelledCsv {
  Examples examples;
  int64_t features = 0;
  // The label of each class.
  std::vector<std::string> classes;
};

// label_column: a name from the header, a number from 1, or "" for the last column. The file may be
// gzip-compressed. InvalidArgument with file, line and column for text where a number belongs, a
// row of another length, an unknown column, or fewer than 2 classes. Errors of ReadMaybeGzipFile
// pass through.
absl::StatusOr<LabelledCsv> ReadLabelledCsv(const std::string& path,
                                            const std::string& label_column);

}  // namespace lehr

#endif  // LEHR_TRAINER_CSV_FILE_H_
