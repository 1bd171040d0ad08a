// Compressed files for the tests of what reads them.
#ifndef LEHR_TESTS_TRAINER_WRITE_GZIP_H_
#define LEHR_TESTS_TRAINER_WRITE_GZIP_H_

#include <zlib.h>

#include <string>
#include <string_view>

#include "tests/temporary_folder.h"

namespace lehr {

// The path of a new file with this content, compressed.
inline std::string WriteGzip(const TemporaryFolder& folder, const std::string& name,
                             std::string_view content) {
  gzFile file = gzopen(folder.Path(name).c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return folder.Path(name);
}

}  // namespace lehr

#endif  // LEHR_TESTS_TRAINER_WRITE_GZIP_H_
