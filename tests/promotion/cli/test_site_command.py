import json


def test_the_site_is_written_beside_the_registry_and_says_what_it_did(with_champion, command, weak_alone):
    code, out, err = command("report", "--site", "public")
    assert (code, err) == (0, "")
    assert out == "Wrote 3 pages; 0 were as they should be. Open public/index.html in a browser.\n"
    told = json.loads(command("report", "--site", "public", "--json")[1])
    assert told == {"index": "public/index.html", "drawn": [], "kept": 3, "unread": []}
    assert "toy" in (with_champion / "public" / "index.html").read_text()


def test_a_folder_that_cannot_be_had_is_one_sentence(with_champion, command):
    assert command("report", "--site", "rows.csv") == (
        1,
        "",
        "Error: The site cannot be written to rows.csv (it is a file). Give --site a folder, or the name of a new one.\n",
    )
