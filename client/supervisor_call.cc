#include "client/supervisor_call.h"

#include <cstdint>

namespace lehr {
namespace {

enum class Tag : std::intptr_t { kStart = 1, kRead, kWrite, kHalfClose, kFinish };

void* Encode(Tag tag) { return reinterpret_cast<void*>(static_cast<std::intptr_t>(tag)); }
Tag Decode(void* tag) { return static_cast<Tag>(reinterpret_cast<std::intptr_t>(tag)); }

}  // namespace

SupervisorCall::SupervisorCall(const SupervisorTarget& target)
    : stub_(v1::SupervisorService::NewStub(ConnectToSupervisor(target))),
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
