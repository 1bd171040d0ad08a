// A lehrd that runs beside a test or benchmark, as a process of its own.
#ifndef LEHR_TESTS_SERVER_LEHRD_PROCESS_H_
#define LEHR_TESTS_SERVER_LEHRD_PROCESS_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace lehr {

class LehrdProcess {
 public:
  enum class Http { kNone, kFreePort };

  // Waits until it serves. Ends the program with a message if it does not.
  LehrdProcess(const std::string& binary, std::vector<std::string> arguments,
               Http http = Http::kNone) {
    arguments.insert(arguments.begin(), binary);
    arguments.push_back(http == Http::kNone ? "--http=none" : "--http=127.0.0.1:0");
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    int log[2];
    if (pipe(log) != 0 || (pid_ = fork()) < 0) {
      perror("lehrd cannot be started");
      std::abort();
    }
    if (pid_ == 0) {
      dup2(log[1], STDERR_FILENO);
      close(log[0]);
      close(log[1]);
      execv(binary.c_str(), argv.data());
      _exit(127);
    }
    close(log[1]);
    log_ = fdopen(log[0], "r");
    address_ = ReadUntilItServes("serving gRPC");
    if (http == Http::kFreePort) {
      http_address_ = ReadUntilItServes("serving HTTP");
    }
    // So that it never waits for its log to be read.
    rest_ = std::thread([this] {
      while (getc(log_) != EOF) {
      }
    });
  }
  ~LehrdProcess() { End(SIGKILL); }
  LehrdProcess(const LehrdProcess&) = delete;
  LehrdProcess& operator=(const LehrdProcess&) = delete;

  // HOST:PORT of its gRPC.
  const std::string& address() const { return address_; }
  // HOST:PORT of its HTTP.
  const std::string& http_address() const { return http_address_; }

  // Its exit code; -1: the signal ended it.
  int End(int signal) {
    if (pid_ <= 0) {
      return -1;
    }
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    rest_.join();
    fclose(log_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::string ReadUntilItServes(const std::string& what) {
    const std::string mark = "127.0.0.1:";
    std::string log;
    char line[4096];
    while (fgets(line, sizeof(line), log_) != nullptr) {
      log += line;
      const std::string text = line;
      const size_t address = text.find(mark, text.find(what));
      if (address != std::string::npos) {
        const size_t port = address + mark.size();
        return mark + text.substr(port, text.find_first_not_of("0123456789", port) - port);
      }
    }
    std::fprintf(stderr, "lehrd does not serve:\n%s", log.c_str());
    std::abort();
  }

  pid_t pid_ = -1;
  FILE* log_ = nullptr;
  std::string address_;
  std::string http_address_;
  std::thread rest_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_LEHRD_PROCESS_H_
