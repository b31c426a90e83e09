"""The audit: checks that the record is still true. Each check compares two sources and yields findings.

One pass over the entries (`ledger_scan`) checks the chain against itself and its head (`chain`), signatures against
public keys (`signatures`), times against one another (`clocks`), each decision against its recorded policy and evidence
(`decisions`), and each champion against its decision and approvals (`promotions`). Other checks cover deadlines
(`deadlines`), the model store (`store`), installed libraries (`libraries`), data files (`files`), MLflow (`mirror`) and
its runs (`runs`), and a running service (`service`).
"""

from promotion.audit.audit import audit as audit
