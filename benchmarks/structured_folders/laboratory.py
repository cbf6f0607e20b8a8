"""A folder of a laboratory: only reported on."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

LABORATORY = Domain(
    "laboratory",
    (
        Table(
            "instruments.md",
            "markdown",
            "Instruments",
            "instrument",
            "Centrifuge C3, Balance B2, Spectrometer S7, Incubator I4, Microscope M9, Freezer F1, Shaker K5, "
            "Autoclave A6, "
            "Titrator T8",
            "Cryostat Q2, Sequencer Z5, Calorimeter N3, Rheometer R6",
            {
                "room": "{1-4}.{10-49}",
                "calibrated": "2026-{01-09}-{10-28}",
                "keeper": "{Lindqvist|Abara|Duval|Tanaka}",
                "interval": "{3-24:3} months",
            },
            (
                ("In which room is the {}?", "room"),
                ("When was the {} last calibrated?", "calibrated"),
                ("Who looks after the {}?", "keeper"),
                ("{} calibration interval", "interval"),
            ),
            ("What did the {} cost?", "Which software version runs on the {}?"),
        ),
        Table(
            "reagents.html",
            "html",
            "Reagents",
            "reagent",
            "acetone, ethanol, phenol, hexane, toluene, methanol, glycerol, formalin, chloroform",
            "benzene, xylene, pyridine, ammonia",
            {"cabinet": "{A|B|C|D}{1-9}", "stock": "{1-20}.{0-9} L", "expires": "2027-{01-12}-{10-28}"},
            (
                ("In which cabinet is the {}?", "cabinet"),
                ("How much {} do we have in stock?", "stock"),
                ("When does the {} expire?", "expires"),
                ("{} storage place", "cabinet"),
            ),
            ("Which company delivers our {}?", "What is the flash point of {}?"),
        ),
        Table(
            "samples.csv",
            "csv",
            "Samples",
            "sample",
            "WX-104, WX-119, WX-127, WX-133, WX-148, WX-151, WX-166, WX-172, WX-185, WX-190, WX-203, WX-217",
            "WX-300, WX-311, WX-324, WX-342",
            {
                "origin": "{river|well|harbor|lake}",
                "nitrate": "{1-50}.{1-9} mg/L",
                "taken": "2026-{04-08}-{10-28}",
                "taken by": "{Moser|Ivanova|Costa}",
            },
            (
                ("What is the nitrate value of sample {}?", "nitrate"),
                ("When was {} taken?", "taken"),
                ("Who took sample {}?", "taken by"),
                ("{} water source", "origin"),
            ),
            ("What is the pH of sample {}?", "Which container holds sample {}?"),
        ),
        Table(
            "protocols.yaml",
            "yaml list",
            "Protocols",
            "protocol",
            "DNA extraction, gel run, cell thawing, medium change, protein assay, glass washing, waste pickup",
            "mouse feeding, laser alignment, blood draw",
            {"duration": "{15-240:15} min", "temperature": "{4-95} C", "sign off": "{supervisor|two persons|none}"},
            (
                ("How long does the {} take?", "duration"),
                ("At which temperature is the {} done?", "temperature"),
                ("Who has to sign off the {}?", "sign off"),
                ("{} time needed", "duration"),
            ),
            ("Which gloves are worn for the {}?", "How often did the {} fail last year?"),
        ),
        Table(
            "freezers.json",
            "json",
            "Freezer boxes",
            "box",
            "Alder, Beech, Cypress, Dogwood, Ebony, Fir, Hemlock, Ivy",
            "Larch, Myrtle, Oak",
            {"shelf": "{1-6}", "free places": "{0-80}", "project": "{MARLIN|OSPREY|BADGER}", "alarm": "-{60-85} C"},
            (
                ("On which shelf is box {}?", "shelf"),
                ("How many free places does box {} have?", "free places"),
                ("Which project does box {} belong to?", "project"),
                ("box {} alarm temperature", "alarm"),
            ),
            ("Who labelled box {}?", "How heavy is box {}?"),
        ),
        Table(
            "runs.log",
            "log",
            "Analyzer",
            "run",
            "N201, N202, N207, N215, N218, N223, N230, N236",
            "N401, N409, N417, N426",
            {"lasted": "{12-180} min", "rejected": "{0-30} wells", "operator": "{pmoser|livanova|rcosta}"},
            (
                ("How long did run {} last?", "lasted"),
                ("How many wells were rejected in run {}?", "rejected"),
                ("Who was the operator of run {}?", "operator"),
                ("run {} duration", "lasted"),
            ),
            ("Which reagent lot was used in run {}?", "What did run {} cost?"),
        ),
        Table(
            "analyzers.py",
            "python",
            "Settings of the analyses",
            "analysis",
            "glucose, lactate, urea, sodium, albumin, ferritin",
            "cortisol, lithium, insulin",
            {"wavelength nm": "{340-700:5}", "dilution": "1:{2-50}", "repeats": "{2-6}"},
            (
                ("At which wavelength is the {} analysis read?", "wavelength nm"),
                ("What is the dilution of the {} analysis?", "dilution"),
                ("How many repeats does the {} analysis have?", "repeats"),
                ("{}_analysis wavelength_nm", "wavelength nm"),
            ),
            ("What is the normal range of {}?", "Which cuvette does the {} analysis need?"),
        ),
    ),
    {
        "safety.md": "# Safety\n\nNobody works alone after eight in the evening. Spills are covered with the grey "
        "granulate and "
        "reported to the safety desk. Lab coats are washed every Friday and never taken home.\n",
        "visitors.txt": "Visitors sign the book at the gate and get a yellow badge. Groups have at most eight people. "
        "Photographs may be taken in the corridor, and nowhere else.\n",
    },
    (
        Special("one word", "toluene", "{reagents.html.toluene.cabinet}"),
        Special("one word", "WX-151", "{samples.csv.WX-151.nitrate}"),
        Special("one word", "plutonium"),
        Special("one word", "trombone"),
        Special("yes or no", "Does the gel run need two persons to sign off?", "{protocols.yaml.gel run.sign off}"),
        Special("yes or no", "Was sample WX-119 taken from a river?", "{samples.csv.WX-119.origin}"),
        Special("yes or no", "Is the laboratory accredited for drinking water?"),
        Special("list", "List all reagents with their cabinets", "{reagents.html.hexane.cabinet}"),
        Special("list", "Which boxes belong to the project OSPREY?", "OSPREY"),
        Special("list", "List all doctoral students"),
        Special("typo", "In wich cabnet is the methanol?", "{reagents.html.methanol.cabinet}"),
        Special("typo", "nitrat valeu of sample WX-172", "{samples.csv.WX-172.nitrate}"),
        Special("typo", "In wich cabnet is the benzen?"),
        Special(
            "long",
            "Yesterday an auditor went through the building with us and asked for the papers of every device that "
            "weighs, "
            "heats or cools. Most of them were in order, a few stickers had fallen off, and for one we could not "
            "say much at "
            "all because the folder lies in an office whose key nobody had. She will come back on Thursday, wants "
            "to see "
            "the papers then, and asked us to write to her until tomorrow evening at the latest, in one line, what the "
            "records say about the last time that the Incubator I4 was calibrated. When was that?",
            "{instruments.md.Incubator I4.calibrated}",
        ),
        Special(
            "long",
            "Yesterday an auditor went through the building with us and asked for the papers of every device that "
            "weighs, "
            "heats or cools. Most of them were in order, a few stickers had fallen off, and afterwards we had lunch "
            "together "
            "in the canteen on the other side of the road. She liked the soup so much that she wants to come back "
            "for it "
            "with her family, and asked us to write to her until tomorrow evening at the latest, in one line, from "
            "when to when the canteen is open on Sundays and whether one has to book. Does anybody know?",
        ),
        Special("prose", "After what time may nobody work alone?", "eight in the evening"),
        Special("prose", "How many people may a group of visitors have?", "at most eight"),
        Special("far", "Which team won the football world cup in 1974?"),
        Special("far", "How do I bake sourdough bread?"),
    ),
)
