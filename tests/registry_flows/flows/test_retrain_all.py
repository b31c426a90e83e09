from registry_flows.flows.retrain_all import RetrainOutcome, _table


def test_the_table_shows_control_codes_of_an_error_as_text():
    (row,) = _table([RetrainOutcome(model="toy", error="\x1b[2K\u202egood\u2066\nx")])
    assert row["why"] == r"\x1b[2K\u202egood\u2066\nx"
