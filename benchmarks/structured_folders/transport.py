"""A folder of a transport company: only reported on."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

TRANSPORT = Domain(
    "transport",
    (
        Table(
            "lines.html",
            "html",
            "Lines",
            "line",
            "Line 4, Line 7, Line 11, Line 16, Line 23, Line 28, Line 31, Line 35, Line 42",
            "Line 55, Line 61, Line 73, Line 88",
            {
                "terminus": "{Mill Square|Castle Gate|Lake Street|Fair Ground|East Park}",
                "headway": "every {6-30:2} min",
                "first departure": "0{4-6}:{00-55:5}",
                "last departure": "{22-23}:{00-55:5}",
            },
            (
                ("Where does {} end?", "terminus"),
                ("How often does {} run?", "headway"),
                ("When does {} leave in the morning for the first time?", "first departure"),
                ("{} last departure", "last departure"),
            ),
            ("How many passengers does {} carry per day?", "Who drives on {}?"),
        ),
        Table(
            "fares.md",
            "markdown",
            "Fares",
            "ticket",
            "single ticket, day ticket, weekly pass, monthly pass, annual pass, bicycle ticket, group ticket, short "
            "hop",
            "night ticket, dog ticket, museum pass, airport ticket",
            {"adult": "EUR {2-90}.{10-90:10}", "child": "EUR {1-40}.{10-90:10}", "zones": "{1-7}"},
            (
                ("What does a {} cost for adults?", "adult"),
                ("What does a child pay for a {}?", "child"),
                ("For how many zones is the {} valid?", "zones"),
                ("{} fare", "adult"),
            ),
            ("Can a {} be given to another person?", "Which paper is the {} printed on?"),
        ),
        Table(
            "vehicles.csv",
            "csv",
            "Vehicles",
            "vehicle",
            "T101, T102, T105, T108, T112, T117, T121, T126, B310, B314, B322, B329",
            "T190, T195, B380, B391",
            {
                "model": "{Combino|Variobahn|Citaro|Flexity}",
                "depot": "{North Depot|Lake Depot|Hill Depot}",
                "seats": "{40-120}",
                "inspection": "2026-{09-12}-{10-28}",
            },
            (
                ("Which model is vehicle {}?", "model"),
                ("How many seats does {} have?", "seats"),
                ("When is the next inspection of {}?", "inspection"),
                ("{} home depot", "depot"),
            ),
            ("What is the mileage of vehicle {}?", "Which advertisement is on {}?"),
        ),
        Table(
            "depots.json",
            "json",
            "Depots",
            "depot",
            "North Depot, Lake Depot, Hill Depot, Quarry Depot, Mill Depot, Forest Depot",
            "Canal Depot, Valley Depot, Border Depot",
            {
                "tracks": "{4-30}",
                "manager": "{Hanna Falk|Omar Aziz|Petra Lind|Ravi Nair}",
                "phone": "0{20-90} {1000-9999}",
                "washing": "{Monday|Tuesday|Wednesday|Thursday}",
            },
            (
                ("How many tracks does the {} have?", "tracks"),
                ("Who manages the {}?", "manager"),
                ("What is the phone number of the {}?", "phone"),
                ("On which day are vehicles washed at the {}?", "washing"),
            ),
            ("When was the {} built?", "How many people work at the {}?"),
        ),
        Table(
            "signals.toml",
            "toml",
            "Signals",
            "signal",
            "bridge east, bridge west, tunnel mouth, market crossing, school bend, river stop",
            "quarry switch, airport curve, zoo junction",
            {"max speed": "{15-60:5}", "delay seconds": "{2-30}", "controller": "SC-{100-999}"},
            (
                ("What is the maximum speed at the {} signal?", "max speed"),
                ("How many seconds is the delay of the {} signal?", "delay seconds"),
                ("Which controller drives the {} signal?", "controller"),
                ("{} speed", "max speed"),
            ),
            ("Which lamp type does the {} signal have?", "Who inspected the {} signal?"),
        ),
        Table(
            "planner.ts",
            "typescript",
            "Profiles of the journey planner",
            "profile",
            "commuter, tourist, wheelchair, night owl, cyclist, school class",
            "courier, jogger, pilgrim",
            {"max transfers": "{0-6}", "walk meters": "{100-2000:100}", "buffer minutes": "{1-15}"},
            (
                ("How many transfers does the {} profile allow?", "max transfers"),
                ("How far does the {} profile walk?", "walk meters"),
                ("How many minutes of buffer does the {} profile plan?", "buffer minutes"),
                ("{}Profile maxTransfers", "max transfers"),
            ),
            ("Which map tiles does the {} profile use?", "How many users chose the {} profile?"),
        ),
        Table(
            "incidents.log",
            "log",
            "Control",
            "incident",
            "E7701, E7708, E7713, E7719, E7724, E7730, E7742, E7755",
            "E9102, E9115, E9128, E9133",
            {
                "delay": "{3-90} min",
                "cause": "{door fault|parked car|signal fault|medical call}",
                "place": "{Mill Square|East Park|Castle Gate}",
            },
            (
                ("How long was the delay of incident {}?", "delay"),
                ("What caused incident {}?", "cause"),
                ("Where did incident {} happen?", "place"),
                ("incident {} reason", "cause"),
            ),
            ("Which driver reported incident {}?", "What did incident {} cost?"),
        ),
    ),
    {
        "passengers.md": "# For passengers\n\nBicycles travel for free on Sundays. Lost things are kept for sixty "
        "days in the office "
        "at Castle Gate. Dogs wear a muzzle. Whoever has no ticket pays a hundred euros.\n",
        "drivers.txt": "A shift lasts at most nine hours and has two breaks. Uniforms are exchanged every second "
        "year. Vehicles are "
        "checked before the first departure, and faults are written into the green book.\n",
    },
    (
        Special("one word", "Citaro", "Citaro"),
        Special("one word", "E7724", "{incidents.log.E7724.delay}"),
        Special("one word", "opera"),
        Special("one word", "wheat"),
        Special("yes or no", "Does Line 16 end at Castle Gate?", "{lines.html.Line 16.terminus}"),
        Special("yes or no", "Is the weekly pass valid for two zones?", "{fares.md.weekly pass.zones}"),
        Special("yes or no", "Is there free internet on the trams?"),
        Special("list", "List all tickets and what adults pay", "{fares.md.day ticket.adult}"),
        Special("list", "Which vehicles belong to the Lake Depot?", "Lake Depot"),
        Special("list", "List all shareholders of the company"),
        Special("typo", "What does a montly pas cost for adults?", "{fares.md.monthly pass.adult}"),
        Special("typo", "how offen does Line 23 runn", "{lines.html.Line 23.headway}"),
        Special("typo", "What does a nihgt tikcet cost for adults?"),
        Special(
            "long",
            "On Saturday I am taking eleven children to a birthday party at the other end of the city, and as we "
            "have too few "
            "cars for all of them we decided to go by tram, which the children find much more exciting in any case. "
            "Another parent offered to collect the money beforehand so that nobody has to search for coins at the "
            "machine, "
            "and wants a figure from me by tonight. There were several kinds on the page that I printed, but it got "
            "wet and "
            "I cannot read it any more: what does a child pay for a day ticket?",
            "{fares.md.day ticket.child}",
        ),
        Special(
            "long",
            "On Saturday I am taking eleven children to a birthday party at the other end of the city, and as we "
            "have too few "
            "cars for all of them we decided to go by tram, which the children find much more exciting in any case. "
            "Another parent offered to bring drinks and asked me where one could go swimming afterwards if the "
            "weather stays "
            "as warm as it is, and whether there is a slide. There were several places on the page that I printed, "
            "but it "
            "got wet and I cannot read it any more: which swimming pool has the longest slide?",
        ),
        Special("prose", "For how many days are lost things kept?", "sixty days"),
        Special("prose", "How long does a shift last at most?", "nine hours"),
        Special("far", "Who wrote The Magic Mountain?"),
        Special("far", "What is the capital of Mongolia?"),
    ),
)
