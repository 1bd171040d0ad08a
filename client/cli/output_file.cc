#include "client/cli/output_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

absl::Status CannotWrite(const std::string& file, const std::error_code& why) {
  return absl::UnknownError(absl::StrCat("cannot write ", file, ": ", why.message()));
}

absl::Status CannotWrite(const std::string& file) {
  return CannotWrite(file, std::error_code(errno, std::generic_category()));
}

}  // namespace

absl::Status WriteOutput(const std::string& file, std::ostream& out,
                         const std::function<absl::Status(std::ostream&)>& write) {
  if (file.empty() || file == "-") {
    return write(out);
  }
  const std::string partial = file + ".part";
  std::ofstream stream(partial);
  if (!stream) {
    return CannotWrite(partial);
  }
  absl::Status status = write(stream);
  stream.close();
  if (status.ok() && !stream) {
    status = CannotWrite(partial);
  }
  std::error_code error;
  if (status.ok()) {
    std::filesystem::rename(partial, file, error);
    if (!error) {
      return absl::OkStatus();
    }
    status = CannotWrite(file, error);
  }
  std::filesystem::remove(partial, error);
  return status;
}

}  // namespace lehr
