"""The audit: is what was recorded still true? Each check compares two sources and yields findings.

The entries, each read once (`ledger_scan`): the chain with itself and its head (`chain`), signatures with public keys
(`signatures`), times with one another (`clocks`), each decision with the policy and evidence recorded with it
(`decisions`), each champion with the decision and approvals it rests on (`promotions`). Then what is due with the
time (`deadlines`), the Bento store with the ledger (`store`), its libraries with those installed (`libraries`), the
data files (`files`), MLflow with the ledger (`mirror`), its runs with ledger and versions (`runs`), a running service
with the champion (`service`).
"""

from promotion.audit.audit import audit as audit
