#include "client/supervisor_call.h"

#include <cstdint>

namespace lehr {
namespace {

// supervisor.proto's bound of a message.
constexpr int kMaxMessageBytes = 16 << 20;

enum class Tag : std::intptr_t { kStart = 1, kRead, kWrite, kHalfClose, kFinish };

void* Encode(Tag tag) { return reinterpret_cast<void*>(static_cast<std::intptr_t>(tag)); }
Tag Decode(void* tag) { return static_cast<Tag>(reinterpret_cast<std::intptr_t>(tag)); }

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTime)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(kKeepaliveTimeout)));
  // A silent training step is not a reason to stop pinging.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // When to try again is decided by ReconnectBackoff, so no failed connection may be shared.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

SupervisorCall::SupervisorCall(const std::string& address)
    : stub_(v1::SupervisorService::NewStub(Connect(address))),
      stream_(stub_->AsyncSupervise(&context_, &queue_, Encode(Tag::kStart))) {}

SupervisorCall::~SupervisorCall() {
  Cancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

SupervisorCall::Event SupervisorCall::Next(absl::Time deadline) {
  if (read_is_due_) {
    read_is_due_ = false;
    stream_->Read(&response_, Encode(Tag::kRead));
  }
  for (;;) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(deadline)) !=
        grpc::CompletionQueue::GOT_EVENT) {
      return Event::kDeadline;
    }
    switch (Decode(tag)) {
      case Tag::kStart:
        if (!ok) {
          stream_->Finish(&status_, Encode(Tag::kFinish));
          break;
        }
        stream_->Read(&response_, Encode(Tag::kRead));
        return Event::kStarted;
      case Tag::kRead:
        if (!ok) {
          stream_->Finish(&status_, Encode(Tag::kFinish));
          break;
        }
        read_is_due_ = true;
        return Event::kReceived;
      case Tag::kWrite:
        // A write fails only if the stream is dead, which the read tells with its status.
        if (ok) {
          return Event::kWritten;
        }
        break;
      case Tag::kHalfClose:
        break;
      case Tag::kFinish:
        return Event::kEnded;
    }
  }
}

void SupervisorCall::Write(const v1::SuperviseRequest& request) {
  stream_->Write(request, Encode(Tag::kWrite));
}

void SupervisorCall::HalfClose() { stream_->WritesDone(Encode(Tag::kHalfClose)); }

}  // namespace lehr
