"""A folder of a library: only reported on."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

LIBRARY = Domain(
    "library",
    (
        Table(
            "branches.md",
            "markdown",
            "Branches",
            "branch",
            "Old Town, Riverside, Hillcrest, Station, Meadow, Harbor Quarter, University, Northgate",
            "Westend, Airport, Sunnyside, Millbrook",
            {
                "opens": "{08-10}:{00-45:15}",
                "closes": "{17-21}:{00-45:15}",
                "seats": "{20-240:10}",
                "head": "{Ms Arden|Mr Boyle|Ms Chowdhury|Mr Dietrich}",
            },
            (
                ("When does the {} branch open?", "opens"),
                ("How many seats does the {} branch have?", "seats"),
                ("Who is the head of the {} branch?", "head"),
                ("{} branch closing time", "closes"),
            ),
            ("Who was the architect of the {} branch?", "Which bus stops at the {} branch?"),
        ),
        Table(
            "fines.html",
            "html",
            "Loans and fees",
            "medium",
            "novel, magazine, audiobook, board game, film, sheet music, e-reader, picture book",
            "telescope, sewing machine, vinyl record, laptop",
            {"loan period": "{7-42:7} days", "fee per day": "EUR 0.{10-90:10}", "renewals": "{0-4}"},
            (
                ("For how many days can I borrow a {}?", "loan period"),
                ("What does it cost per day when a {} is late?", "fee per day"),
                ("How often can a {} be renewed?", "renewals"),
                ("{} overdue fine", "fee per day"),
            ),
            ("How do I donate a {}?", "On which floor do I find a {}?"),
        ),
        Table(
            "periodicals.csv",
            "csv",
            "Periodicals",
            "title",
            "Alpine Review, Baltic Letters, Civic Engineer, Data Weekly, Early Music Post, Field Botany, Glass "
            "Quarterly, "
            "Hydrology Notes, Insect World, Judicial Mirror",
            "Kite Monthly, Lunar Gazette, Maritime Herald, Northern Poet",
            {
                "issn": "{1000-9999}-{1000-9999}",
                "frequency": "{weekly|monthly|quarterly}",
                "shelf": "{P|Q|R}{10-99}",
                "until": "20{26-30}",
            },
            (
                ("What is the ISSN of {}?", "issn"),
                ("How often does {} appear?", "frequency"),
                ("On which shelf is {}?", "shelf"),
                ("{} subscription end", "until"),
            ),
            ("Who is the editor of {}?", "What does the subscription to {} cost?"),
        ),
        Table(
            "shelving.yaml",
            "yaml tree",
            "Stacks",
            "section",
            "poetry, travel, cooking, law, chemistry, crime fiction, gardening, comics",
            "astrology, wrestling, heraldry",
            {"level": "{1-5}", "rows": "{4-40}", "call numbers": "{100-899:10} to {900-999}", "humidity": "{40-55} %"},
            (
                ("On which level is the {} section?", "level"),
                ("Which call numbers does {} have?", "call numbers"),
                ("How many rows does the {} section have?", "rows"),
                ("{} humidity", "humidity"),
            ),
            ("Who buys the books of the {} section?", "When was the {} section inventoried?"),
        ),
        Table(
            "readers.jsonl",
            "json lines",
            "Reader cards",
            "card",
            "K-20417, K-20533, K-20648, K-20719, K-20855, K-20902, K-21036, K-21177",
            "K-30112, K-30245, K-30378, K-30490",
            {
                "kind": "{adult|child|student|guest}",
                "valid until": "2027-{01-12}-{10-28}",
                "open fees": "EUR {0-30}.{10-90:10}",
            },
            (
                ("Until when is card {} valid?", "valid until"),
                ("How much does the holder of card {} owe?", "open fees"),
                ("What kind of card is {}?", "kind"),
                ("{} outstanding fees", "open fees"),
            ),
            ("Which street does the holder of card {} live in?", "Which book did card {} borrow last?"),
        ),
        Table(
            "catalog.ts",
            "typescript",
            "Searches of the catalog",
            "search",
            "author, title, subject, publisher, series, keyword",
            "illustrator, translator, printer",
            {"page size": "{10-100:5}", "timeout ms": "{200-3000:100}", "min letters": "{1-5}"},
            (
                ("How many hits does a page of the {} search show?", "page size"),
                ("What is the timeout of the {} search?", "timeout ms"),
                ("How many letters does the {} search need at least?", "min letters"),
                ("{}Search pageSize", "page size"),
            ),
            ("Which index does the {} search ask?", "Who wrote the {} search?"),
        ),
        Table(
            "terminals.ini",
            "ini",
            "Terminals",
            "terminal",
            "entrance, reading room, children corner, cafe, stacks, music room, archive",
            "elevator, parking, garden",
            {"address": "10.{1-9}.{1-250}.{1-250}", "sleep after": "{5-60:5} min", "printer": "{lp|hp|kx}{10-99}"},
            (
                ("What is the address of the {} terminal?", "address"),
                ("Which printer does the {} terminal use?", "printer"),
                ("After how long does the {} terminal go to sleep?", "sleep after"),
                ("{} terminal IP", "address"),
            ),
            ("Which browser runs on the {} terminal?", "What is the administrator password of the {} terminal?"),
        ),
    ),
    {
        "rules.md": "# Using the library\n\nBags are left in the lockers by the stairs. Food stays in the cafe, and "
        "water is "
        "allowed everywhere. Reserved books wait at the desk for five days. Laptops may be used in all rooms but the "
        "quiet one.\n",
        "volunteers.txt": "Volunteers read to children on Wednesday afternoons. Whoever wants to join writes to the "
        "desk and "
        "brings a reference. New volunteers are accompanied for their first three times.\n",
    },
    (
        Special("one word", "gardening", "{shelving.yaml.gardening.level}"),
        Special("one word", "Riverside", "{branches.md.Riverside.opens}"),
        Special("one word", "helicopter"),
        Special("one word", "mortgage"),
        Special("yes or no", "Can a film be renewed?", "{fines.html.film.renewals}"),
        Special("yes or no", "Does Field Botany appear weekly?", "{periodicals.csv.Field Botany.frequency}"),
        Special("yes or no", "Does the library lend musical instruments?"),
        Special("list", "List all branches and when they open", "{branches.md.Meadow.opens}"),
        Special("list", "Which periodicals appear quarterly?", "quarterly"),
        Special("list", "List all members of the board of trustees"),
        Special("typo", "how mnay days can i borow a magazin", "{fines.html.magazine.loan period}"),
        Special("typo", "When does the Hillcrset branch opne?", "{branches.md.Hillcrest.opens}"),
        Special("typo", "When does the Westend branch opne?"),
        Special(
            "long",
            "My daughter found a game in the cupboard last weekend that none of us remembered, with the stamp of "
            "the library "
            "inside of the lid and no slip that would say since when we have it. We would like to bring it back "
            "this week, "
            "but before I walk in and say so I want to be prepared for what is going to happen, because my neighbor "
            "once "
            "paid a good sum for something that he had forgotten on a train. I am sorry for asking at such length: "
            "what is "
            "the fee per day for a board game that comes back late?",
            "{fines.html.board game.fee per day}",
        ),
        Special(
            "long",
            "My daughter found a game in the cupboard last weekend that none of us remembered, and while we were "
            "looking for "
            "its rules we came across an old photograph of the building with a tower that is not there any more. We "
            "would like to know what happened to it, because my neighbor says that it burned down, while an aunt of "
            "mine is "
            "sure that it was taken down when the road was made wider. I am sorry for asking at such length: in "
            "which year "
            "did the old tower of the building disappear, and for what reason?",
        ),
        Special("prose", "How many days do reserved books wait at the desk?", "five days"),
        Special("prose", "When do volunteers read to children?", "Wednesday afternoons"),
        Special("far", "What causes inflation?"),
        Special("far", "How many bones does an adult human have?"),
    ),
)
