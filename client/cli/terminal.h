// A terminal as a screen that is drawn again and again. What was on it comes back at the end, also
// after Ctrl-C, which ends the program at once with exit code 0.
//
//   Terminal terminal(std::cout);
//   for (...) terminal.Draw(Frame(terminal.Size()));
#ifndef LEHR_CLIENT_CLI_TERMINAL_H_
#define LEHR_CLIENT_CLI_TERMINAL_H_

#include <cstddef>
#include <ostream>
#include <string>

namespace lehr {

// Unit: characters.
struct TerminalSize {
  size_t width = 80;
  size_t height = 24;
};

// One at a time.
class Terminal {
 public:
  // `out`: the standard output.
  explicit Terminal(std::ostream& out);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // As it is now: people resize their windows.
  static TerminalSize Size();
  // `frame`: lines that fit, each with its end.
  void Draw(const std::string& frame);

 private:
  std::ostream& out_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_TERMINAL_H_
