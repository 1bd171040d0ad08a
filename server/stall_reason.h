// Which reasons of a decision say that the run has stalled.
#ifndef LEHR_SERVER_STALL_REASON_H_
#define LEHR_SERVER_STALL_REASON_H_

#include "lehr/v1/decision.pb.h"

namespace lehr {

inline bool IsStall(v1::Reason::Code code) {
  return code == v1::Reason::CODE_STALL_FLAT || code == v1::Reason::CODE_STALL_SLOW ||
         code == v1::Reason::CODE_STALL_COLLAPSED || code == v1::Reason::CODE_STALL_BOUND ||
         code == v1::Reason::CODE_STALL_DEAD;
}

}  // namespace lehr

#endif  // LEHR_SERVER_STALL_REASON_H_
