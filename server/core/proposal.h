// What a policy wants to do, before the guards have seen it.
#ifndef LEHR_SERVER_CORE_PROPOSAL_H_
#define LEHR_SERVER_CORE_PROPOSAL_H_

#include <vector>

#include "server/core/decision.h"

namespace lehr {

struct Proposal {
  // Without ids and seeds: the run gives them. Empty: nothing to do.
  std::vector<Action> actions;
  Reason reason;
};

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_PROPOSAL_H_
