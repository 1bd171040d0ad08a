// Shows how a training run goes: one line that is rewritten on a terminal, a plain line now and
// then elsewhere.
//
//   ProgressPrinter printer("digits", std::cerr, TerminalColumns(STDERR_FILENO), started);
//   printer.Show(progress, std::chrono::steady_clock::now());   // after each step
//   printer.Finish(std::chrono::steady_clock::now());
//
// Prints at most every 100 ms on a terminal and every 5 s elsewhere; other calls cost nothing. An
// object serves one thread at a time.
#ifndef LEHR_TRAINER_PROGRESS_H_
#define LEHR_TRAINER_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "trainer/training.h"

namespace lehr {

// The width of the terminal behind the descriptor; 0 if there is none.
int TerminalColumns(int descriptor);

class ProgressPrinter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // terminal_columns of 0 asks for plain lines. The stream must outlive the printer.
  ProgressPrinter(std::string task, std::ostream& out, int terminal_columns, Time start);

  void Show(const TrainingProgress& progress, Time now);

  // Prints the newest progress unless that was the last thing printed, and ends the line.
  void Finish(Time now);

 private:
  void Print(Time now);
  std::string Numbers(Time now) const;

  const std::string task_;
  std::ostream& out_;
  const int terminal_columns_;
  const Time start_;
  Time last_print_;
  std::optional<TrainingProgress> newest_;
  int64_t first_step_ = 0;
  int64_t printed_step_ = -1;
};

}  // namespace lehr

#endif  // LEHR_TRAINER_PROGRESS_H_
