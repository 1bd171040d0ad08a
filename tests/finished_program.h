// A program run to its end, as from a shell.
#ifndef LEHR_TESTS_FINISHED_PROGRAM_H_
#define LEHR_TESTS_FINISHED_PROGRAM_H_

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace lehr {

struct FinishedProgram {
  // -1: a signal ended it.
  int code;
  // Standard output and error together.
  std::string output;
};

inline FinishedProgram RunProgram(const std::string& binary, const std::string& arguments) {
  FILE* pipe = popen((binary + " " + arguments + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe)) {
    output.append(buffer, size);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

}  // namespace lehr

#endif  // LEHR_TESTS_FINISHED_PROGRAM_H_
