// What waits to be written to one rank.
#ifndef LEHR_SERVER_RANK_OUTBOX_H_
#define LEHR_SERVER_RANK_OUTBOX_H_

#include "lehr/v1/runs.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/outbox.h"

namespace lehr {

using RankOutbox = Outbox<v1::SuperviseResponse>;
using WatchOutbox = Outbox<v1::WatchRunResponse>;

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_OUTBOX_H_
