#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "client/cli/cli.h"

namespace {

std::string_view Environment(const char* name) {
  // Nobody changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_terminal = isatty(STDOUT_FILENO) == 1 && Environment("TERM") != "dumb";
  // https://no-color.org
  const bool has_color = is_terminal && Environment("NO_COLOR").empty();
  return lehr::RunCli(argc, argv,
                      {.out = std::cout, .is_terminal = is_terminal, .has_color = has_color},
                      std::cerr);
}
