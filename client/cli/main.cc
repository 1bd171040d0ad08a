#include <unistd.h>

#include <iostream>

#include "client/cli/cli.h"

int main(int argc, char** argv) {
  return lehr::RunCli(argc, argv, {.out = std::cout, .is_terminal = isatty(STDOUT_FILENO) == 1},
                      std::cerr);
}
