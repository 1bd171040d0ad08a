#include "client/supervisor_connection.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/client/rank.h"
#include "tests/client/scripted_supervisor.h"

namespace lehr {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Far beyond what any step or destructor may take here, on any machine.
constexpr absl::Duration kPrompt = absl::Seconds(20);

// A socket with a port. Listening, it lets clients connect and never says a word; else it refuses.
class SilentPort {
 public:
  explicit SilentPort(bool listening) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    if (listening) {
      EXPECT_EQ(listen(socket_, 8), 0);
    }
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentPort() { close(socket_); }

  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

absl::Duration TimeOf(const std::function<void()>& action) {
  const absl::Time start = absl::Now();
  action();
  return absl::Now() - start;
}

ClientOptions Impatient(const std::string& address) {
  ClientOptions options = Rank::Options(address);
  options.connect_timeout = absl::Milliseconds(300);
  options.decision_timeout = absl::Milliseconds(300);
  return options;
}

// ---- No supervisor.

// Only the first step waits, and only for the bound.
void ExpectFailsOpen(Rank& rank) {
  const absl::Duration first = TimeOf([&] { EXPECT_FALSE(rank.Step(0).connected); });
  EXPECT_GE(first, absl::Milliseconds(300));
  EXPECT_LT(first, kPrompt);
  // With a wait in each, these would take 60 s.
  EXPECT_LT(TimeOf([&] {
              for (int64_t step = 1; step <= 200; ++step) {
                rank.Step(step);
              }
            }),
            kPrompt);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
}

TEST(SupervisorConnection, FailsOpenWhereNobodyListens) {
  const SilentPort port(/*listening=*/false);
  Rank rank(Impatient(port.address()));
  ExpectFailsOpen(rank);
  EXPECT_EQ(rank.lines().CountOf(port.address()), 1) << "no flood";
}

TEST(SupervisorConnection, FailsOpenWhereSomethingListensAndIsSilent) {
  const SilentPort port(/*listening=*/true);
  Rank rank(Impatient(port.address()));
  ExpectFailsOpen(rank);
}

TEST(SupervisorConnection, FailsOpenWhereTheSupervisorNeverSaysWelcome) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest&) { return Reply{}; });
  Rank rank(Impatient(supervisor.address()));
  ExpectFailsOpen(rank);
}

TEST(SupervisorConnection, JoinsASupervisorThatComesUpLate) {
  ScriptedSupervisor supervisor(Commanding);
  supervisor.Stop();
  Rank rank(Impatient(supervisor.address()));
  for (int64_t step = 0; step < 5; ++step) {
    EXPECT_FALSE(rank.Step(step).connected);
  }
  supervisor.Start();
  // Its report was kept, and is sent with the join.
  supervisor.AwaitReports(1);
  EXPECT_EQ(supervisor.joins().at(0).resume_step(), 4);
  EXPECT_EQ(supervisor.reports().at(0).step(), 4);
  const StepResult result = rank.Step(5);
  EXPECT_TRUE(result.connected);
  EXPECT_TRUE(result.applied);
}

// ---- A supervisor that stops and comes back.

TEST(SupervisorConnection, GoesOnWhereItWasAfterARestart) {
  // It lasts for one decision, and lets step 1 hang.
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    if (request.has_report() && request.report().step() == 1) {
      return Reply{};
    }
    return Commanding(request);
  });
  Rank rank(supervisor.address());
  rank.Step(0);
  std::future<StepResult> step = std::async(std::launch::async, [&] { return rank.Step(1); });
  supervisor.AwaitReports(2);
  supervisor.Stop();
  supervisor.SetScript([](const v1::SuperviseRequest& request) {
    if (request.has_join()) {
      return Reply{.responses = {WelcomeResponse(/*generation=*/1, /*epoch=*/2)}};
    }
    Reply reply = Commanding(request);
    if (request.has_report()) {
      reply.responses[0].mutable_decision()->set_epoch(2);
    }
    return reply;
  });
  supervisor.Start();

  const StepResult result = step.get();
  EXPECT_TRUE(result.connected);
  EXPECT_TRUE(result.applied);
  const std::vector<v1::Join> joins = supervisor.joins();
  ASSERT_EQ(joins.size(), 2);
  EXPECT_EQ(joins[1].process(), joins[0].process());
  EXPECT_EQ(joins[1].job_attempt(), joins[0].job_attempt());
  EXPECT_EQ(joins[1].generation(), 1);
  EXPECT_EQ(joins[1].highest_epoch(), 1);
  EXPECT_EQ(joins[1].highest_step(), 1);
  ASSERT_EQ(joins[1].held_size(), 1);
  EXPECT_TRUE(MessageDifferencer::Equals(joins[1].held(0), CommandResponse(0).decision()));
  const std::vector<v1::Report> reports = supervisor.reports();
  ASSERT_EQ(reports.size(), 3);
  EXPECT_TRUE(MessageDifferencer::Equals(reports[1], reports[2]));
  EXPECT_EQ(reports[2].outcome().step(), 0);
}

TEST(SupervisorConnection, ForgetsWhatTheSupervisorHasOnItsDisk) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Obliging(request);
    if (request.has_report()) {
      reply.responses[0].mutable_decision()->set_durable_through(request.report().step() - 1);
    }
    return reply;
  });
  Rank rank(supervisor.address());
  for (int64_t step = 0; step < 4; ++step) {
    rank.Step(step);
  }
  supervisor.Stop();
  supervisor.Start();
  supervisor.AwaitJoins(2);
  const v1::Join join = supervisor.joins().at(1);
  ASSERT_EQ(join.held_size(), 1);
  EXPECT_EQ(join.held(0).step(), 3);
}

TEST(SupervisorConnection, ReconnectsWhenTheSupervisorSaysUnavailable) {
  ScriptedSupervisor supervisor([tries = 0](const v1::SuperviseRequest& request) mutable {
    if (request.has_join() && ++tries < 3) {
      return Reply{.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "not yet")};
    }
    return Commanding(request);
  });
  Rank rank(supervisor.address());
  EXPECT_TRUE(rank.Step(0).applied);
  EXPECT_EQ(supervisor.joins().size(), 3);
  EXPECT_EQ(rank.lines().CountOf("not yet"), 1);
}

// ---- Time-outs.

TEST(SupervisorConnection, DropsTheStreamAfterATimeOutAndWaitsAgainOnTheNextOne) {
  ScriptedSupervisor supervisor([joins = 0](const v1::SuperviseRequest& request) mutable {
    joins += request.has_join();
    if (request.has_report() && joins == 1) {
      return Reply{};
    }
    return request.has_report() && request.report().step() == 0 ? Commanding(request)
                                                                : Obliging(request);
  });
  Rank rank(Impatient(supervisor.address()));
  const StepResult result = rank.Step(0);
  EXPECT_FALSE(result.connected);
  EXPECT_FALSE(result.decision.has_value());
  EXPECT_EQ(rank.lines().CountOf("did not decide about step 0"), 1);
  // The report is sent again on the new stream, and its command has expired.
  supervisor.AwaitReports(2);
  rank.Step(1);
  rank.Step(2);
  int expired = 0;
  for (const v1::Report& report : supervisor.reports()) {
    expired += report.outcome().result() == v1::CommandOutcome::RESULT_EXPIRED &&
               report.outcome().step() == 0;
  }
  EXPECT_EQ(expired, 1);
  EXPECT_TRUE(rank.Step(3).decision.has_value());
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
}

// ---- Epochs.

TEST(SupervisorConnection, TakesNothingFromALowerEpoch) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    if (request.has_join()) {
      return Reply{.responses = {WelcomeResponse(/*generation=*/1, /*epoch=*/7)}};
    }
    Reply reply = Commanding(request);
    if (request.has_report()) {
      reply.responses[0].mutable_decision()->set_epoch(6);
    }
    return reply;
  });
  Rank rank(Impatient(supervisor.address()));
  const StepResult result = rank.Step(0);
  EXPECT_FALSE(result.applied);
  EXPECT_FALSE(result.decision.has_value());
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(rank.lines().CountOf("epoch 6"), 1);
}

TEST(SupervisorConnection, DoesNotJoinASupervisorOfALowerEpoch) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    if (request.has_join()) {
      return Reply{.responses = {WelcomeResponse(/*generation=*/1, /*epoch=*/7)}};
    }
    Reply reply = Obliging(request);
    if (request.has_report()) {
      reply.responses[0].mutable_decision()->set_epoch(7);
    }
    return reply;
  });
  Rank rank(Impatient(supervisor.address()));
  ASSERT_TRUE(rank.Step(0).decision.has_value());
  supervisor.Stop();
  supervisor.SetScript(Commanding);  // Epoch 1.
  supervisor.Start();
  supervisor.AwaitJoins(3);
  const StepResult result = rank.Step(1);
  EXPECT_FALSE(result.connected);
  EXPECT_FALSE(result.applied);
  EXPECT_EQ(supervisor.reports().size(), 1);
}

// ---- Ends that are final.

class FatalEnd : public ::testing::TestWithParam<grpc::StatusCode> {};

TEST_P(FatalEnd, IsLoggedOnceAndNeverRetried) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest&) {
    return Reply{.end = grpc::Status(GetParam(), "rank is 7; it must be below 4")};
  });
  Rank rank(supervisor.address());
  EXPECT_LT(TimeOf([&] { EXPECT_FALSE(rank.Step(0).connected); }), kPrompt);
  for (int64_t step = 1; step < 10; ++step) {
    EXPECT_FALSE(rank.Step(step).connected);
  }
  rank.Destroy();
  EXPECT_EQ(supervisor.requests().size(), 1);
  ASSERT_EQ(rank.lines().all().size(), 1);
  EXPECT_THAT(rank.lines().all()[0], HasSubstr("rank is 7; it must be below 4"));
}

INSTANTIATE_TEST_SUITE_P(All, FatalEnd,
                         ::testing::Values(grpc::StatusCode::INVALID_ARGUMENT,
                                           grpc::StatusCode::FAILED_PRECONDITION));

// ---- The end of the client.

TEST(SupervisorConnection, IsDestroyedPromptlyWhileConnecting) {
  const SilentPort port(/*listening=*/true);
  Rank rank(port.address());
  EXPECT_LT(TimeOf([&] { rank.Destroy(); }), kPrompt);
}

TEST(SupervisorConnection, IsDestroyedPromptlyWhileWaitingToReconnect) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest&) {
    // After this status the next try is at least 15 s away.
    return Reply{.end = grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "held by another")};
  });
  Rank rank(Impatient(supervisor.address()));
  rank.Step(0);
  EXPECT_LT(TimeOf([&] { rank.Destroy(); }), absl::Seconds(10));
  EXPECT_EQ(supervisor.joins().size(), 1);
}

TEST(SupervisorConnection, IsDestroyedPromptlyWhileJoined) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  rank.Step(0);
  EXPECT_LT(TimeOf([&] { rank.Destroy(); }), kPrompt);
}

TEST(SupervisorConnection, LeaveIsBoundedWhereTheSupervisorDoesNotEndTheStream) {
  absl::Notification done;
  // Busy with the Leave, it does not end the stream.
  ScriptedSupervisor supervisor([&](const v1::SuperviseRequest& request) {
    if (request.has_leave()) {
      done.WaitForNotificationWithTimeout(absl::Seconds(60));
    }
    return Obliging(request);
  });
  Rank rank(Impatient(supervisor.address()));
  rank.Step(0);
  EXPECT_LT(TimeOf([&] { rank.client().Leave(/*completed=*/true); }), kPrompt);
  done.Notify();
}

TEST(SupervisorConnection, LeaveWithoutASupervisorReturnsAtOnce) {
  const SilentPort port(/*listening=*/false);
  Rank rank(port.address());
  EXPECT_LT(TimeOf([&] { rank.client().Leave(/*completed=*/true); }), kPrompt);
}

}  // namespace
}  // namespace lehr
