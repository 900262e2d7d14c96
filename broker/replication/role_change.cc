// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/role_change.h"

#include <utility>

#include "common/strings.h"

namespace orbitmq::broker {
namespace {

Status NotNow(std::string_view why) { return Status(StatusCode::kFailedPrecondition, why); }

}  // namespace

void RoleChange::To(BrokerRole role, int64_t id, Completion<Done> done) {
  const bool taken = !stopped_.load() && !busy_.exchange(true);
  parts_.loop.Post([this, taken, alive = std::weak_ptr<bool>(alive_),
                    change = std::make_shared<Change>(Change{role, id, std::move(done)})] {
    if (alive.expired()) return;
    if (!taken) return Answer(change, NotNow("the broker changes its role already, or stops"));
    if (Status s = Check(*change); !s.ok()) return End(change, s);
    TakesMastersPlace(*change) ? AskMaster(change) : Begin(change);
  });
}

Status RoleChange::Check(const Change& change) const {
  const bool rival = parts_.gate.state() == RoleGate::State::kRival;
  if (!parts_.role.open() && !rival) return NotNow("the broker is still starting; ask again in a moment");
  if (rival && change.role != BrokerRole::kSlave) {
    return NotNow("another broker of this name is alive as master: this one can only become its slave");
  }
  if (!is_slave() || change.role == BrokerRole::kSlave) return {};
  const HaSlaveStatus slave = parts_.ha.status().slave;
  if (slave.state == HaSlaveState::kHealing)
    return NotNow("this slave heals its log; ask again when it follows");
  return {};
}

bool RoleChange::TakesMastersPlace(const Change& change) const {
  if (!is_slave() || change.role == BrokerRole::kSlave) return false;
  const HaSlaveState state = parts_.ha.status().slave.state;
  return state == HaSlaveState::kFollowing || state == HaSlaveState::kComparing;
}

void RoleChange::AskMaster(const Ref& change) {
  parts_.ha.AskMaster(kAnswerMax, [this, alive = std::weak_ptr<bool>(alive_), change](MasterAnswer answer) {
    if (alive.expired()) return;
    parts_.loop.Post([this, alive, change, answer] {
      if (alive.expired()) return;
      const std::string master = parts_.ha.status().slave.master;
      if (answer == MasterAnswer::kSilent) {
        parts_.env.log().Warn("the master does not answer this slave, which takes its place",
                              {{"master", master}});
        return Begin(change);
      }
      End(change,
          NotNow(StrCat("this slave follows a master that is alive (", master,
                        "): make that one a slave first, or use mqadmin switchMaster, which does both")));
    });
  });
}

template <class F>
Completion<Done> RoleChange::Then(F step) {
  return [this, alive = std::weak_ptr<bool>(alive_), step = std::move(step)](Result<Done> result) mutable {
    if (alive.expired()) return;
    parts_.loop.Post([alive, step = std::move(step), result = std::move(result)]() mutable {
      if (!alive.expired()) step(std::move(result));
    });
  };
}

void RoleChange::Begin(const Ref& change) {
  change->role_before = parts_.options.Get()->broker_role;
  change->id_before = parts_.options.Get()->broker_id;
  const bool slave = is_slave();
  const bool to_slave = change->role == BrokerRole::kSlave;
  parts_.env.log().Info("the broker changes its role",
                        {{"slave_now", slave}, {"slave_then", to_slave}, {"id_then", change->id}});
  if (slave == to_slave) {
    Apply(*change);
    return Publish(change);
  }
  to_slave ? Demote(change) : Promote(change);
}

template <class F>
void RoleChange::Leave(const Ref& change, F next) {
  parts_.role.Leave(Then([this, change, next = std::move(next)](const Result<Done>& left) {
    if (!left.ok()) return End(change, left.status());  // The broker stops.
    next();
  }));
}

void RoleChange::Demote(const Ref& change) {
  const RoleGate::State before = parts_.gate.state();
  change->gave_way = before == RoleGate::State::kRival;
  if (before == RoleGate::State::kMaster) parts_.gate.Led(parts_.env.clock().Monotonic());
  // A slave may register, and it still would as the master, in the place of the one that leads.
  if (!change->gave_way) parts_.gate.Set(RoleGate::State::kSlave);
  Leave(change, [this, change] {
    parts_.ha.ChangeRole(store::LogRole::kFollower, kSlavesMax,
                         Then([this, change](const Result<Done>& follows) {
                           if (!follows.ok()) return GoBack(change, follows.status());
                           // All that was delivered is on the disk now: the next master begins behind it.
                           parts_.delay.Save(Then([this, change](const Result<Done>&) { Demoted(change); }));
                         }));
  });
}

void RoleChange::Demoted(const Ref& change) {
  Apply(*change);
  parts_.gate.Set(RoleGate::State::kSlave);
  parts_.role.Open([](const Result<Done>&) {});  // At once.
  parts_.parked.SendOn();
  Publish(change);
}

void RoleChange::Promote(const Ref& change) {
  Leave(change, [this, change] {
    parts_.ha.ChangeRole(store::LogRole::kLeader, {}, Then([this, change](const Result<Done>& leads) {
                           if (!leads.ok()) return GoBack(change, leads.status());
                           Promoted(change);
                         }));
  });
}

// A master's offsets never point beyond its queues: a consumer would skip what gets these places next.
void RoleChange::Promoted(const Ref& change) {
  parts_.worker.Post([this, change, then = Then([this, change](const Result<Done>& clamped) {
                                      if (!clamped.ok()) {
                                        parts_.env.log().Error("consumer offsets could not be lowered",
                                                               {{"status", clamped.status().ToString()}});
                                      }
                                      Apply(*change);
                                      parts_.role.Open(Then([this, change](const Result<Done>& opened) {
                                        if (!opened.ok()) return FollowAgain(change, opened.status());
                                        Publish(change);
                                      }));
                                    })]() mutable {
    const Result<size_t> lowered = parts_.offsets.ClampTo(parts_.store);
    then(lowered.ok() ? Result<Done>(Done{}) : Result<Done>(lowered.status()));
  });
}

void RoleChange::GoBack(const Ref& change, const Status& why) {
  parts_.env.log().Error("the role could not be changed; the broker stays what it was",
                         {{"status", why.ToString()}});
  // It goes on giving way, for as long as the other one leads.
  if (change->gave_way) End(change, why);
  parts_.role.Open(Then([this, change, why](const Result<Done>& opened) {
    if (change->gave_way) {
      if (opened.ok()) parts_.publisher.Publish([](const Result<Done>&) {});
      return;
    }
    if (!opened.ok()) return End(change, opened.status());
    // A slave hears again where its master is.
    parts_.publisher.Publish(Then([this, change, why](const Result<Done>&) { End(change, why); }));
  }));
}

// Another master turned up. No message came since.
void RoleChange::FollowAgain(const Ref& change, const Status& why) {
  if (why.code() != StatusCode::kFailedPrecondition) return End(change, why);  // The broker stops.
  parts_.env.log().Error("the role could not be changed; the broker goes back to what it was",
                         {{"status", why.ToString()}});
  change->failure = why;
  change->role = change->role_before;
  change->id = change->id_before;
  Demote(change);
}

void RoleChange::Apply(const Change& change) {
  BrokerOptions options = *parts_.options.Get();
  options.broker_role = change.role;
  options.broker_id = change.id;
  parts_.store.replication().SetDemand(ToReplicaDemand(options));
  const bool slave = change.role == BrokerRole::kSlave;
  parts_.options.Set(std::move(options));
  parts_.topics.SetFollower(slave);
  parts_.groups.SetFollower(slave);
  parts_.offsets.SetFollower(slave);
}

void RoleChange::Publish(const Ref& change) {
  parts_.publisher.Publish(Then([this, change](const Result<Done>&) {
    if (!change->failure.ok()) return End(change, change->failure);
    parts_.env.log().Info("the broker has changed its role", {{"id", change->id}});
    End(change, Done{});
  }));
}

void RoleChange::End(const Ref& change, Result<Done> result) {
  busy_.store(false);
  Answer(change, std::move(result));
}

void RoleChange::Answer(const Ref& change, Result<Done> result) {
  parts_.worker.Post([change, result = std::move(result)]() mutable { change->done(std::move(result)); });
}

}  // namespace orbitmq::broker
