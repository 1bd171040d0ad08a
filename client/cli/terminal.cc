#include "client/cli/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string_view>

#include "absl/strings/str_replace.h"

namespace lehr {
namespace {

// A second screen without a cursor, and back (xterm's control sequences, which all others know).
constexpr std::string_view kEnter = "\033[?1049h\033[?25l";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

// Whatever the program waits for: a call to a supervisor that hangs must not hold up Ctrl-C.
void EndNow(int) {
  if (write(STDOUT_FILENO, kLeave.data(), kLeave.size()) < 0) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace

Terminal::Terminal(std::ostream& out) : out_(out) {
  out_ << kEnter;
  out_.flush();
  signal(SIGINT, EndNow);
  signal(SIGTERM, EndNow);
}

Terminal::~Terminal() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  out_ << kLeave;
  out_.flush();
}

TerminalSize Terminal::Size() {
  winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

void Terminal::Draw(const std::string& frame) {
  // Line by line over the old frame, so that nothing flickers: home, each line to its end, the
  // rest.
  out_ << "\033[H" << absl::StrReplaceAll(frame, {{"\n", "\033[K\n"}}) << "\033[J";
  out_.flush();
}

}  // namespace lehr
