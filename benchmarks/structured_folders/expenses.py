"""A folder of travel expenses: anything may be chosen on it."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

EXPENSES = Domain(
    "expenses",
    (
        Table(
            "limits.md",
            "markdown",
            "Limits for business trips",
            "city",
            "Zurich, Geneva, Basel, Munich, Vienna, Paris, London, Madrid, Warsaw, Oslo",
            "Lisbon, Dublin, Prague, Athens",
            {
                "hotel limit": "CHF {140-320:10} a night",
                "meal allowance": "CHF {35-80:5}",
                "taxi": "{allowed|with reason}",
            },
            (
                ("What is the hotel limit in {}?", "hotel limit"),
                ("How much may a room in {} cost per night?", "hotel limit"),
                ("{} meal allowance", "meal allowance"),
                ("How much can I spend on food when I am in {}?", "meal allowance"),
            ),
            ("Which airline do we fly to {} with?", "Who is the contact person of our office in {}?"),
        ),
        Table(
            "mileage.html",
            "html",
            "Rates for private vehicles",
            "vehicle",
            "small car, large car, motorcycle, electric car, bicycle, van, scooter",
            "camper, rowing boat, tractor, minibus",
            {"rate": "CHF 0.{20-90:5} per km", "insurance class": "{A|B|C|D}", "valid until": "2026-{10-12}-{10-28}"},
            (
                ("What is paid per km for a {}?", "rate"),
                ("mileage rate {}", "rate"),
                ("Which insurance class does a {} have?", "insurance class"),
                ("Until when is the rate for a {} valid?", "valid until"),
            ),
            ("How many passengers may ride in a {}?", "Which parking deck is a {} allowed on?"),
        ),
        Table(
            "receipts.csv",
            "csv",
            "Receipts",
            "employee",
            "Ana Kovac, Ben Huber, Carla Rossi, David Okafor, Elif Yilmaz, Frank Meier, Greta Lund, Hugo Silva, "
            "Ines Weber, "
            "Jon Berg, Kira Novak, Luis Ortega",
            "Mara Fink, Nils Vogt, Olga Petrova, Pavel Dvorak",
            {
                "receipt": "R-{1000-9999}",
                "amount": "EUR {20-900}.{10-95:5}",
                "category": "{hotel|train|meal|flight}",
                "submitted": "2026-{01-09}-{10-28}",
            },
            (
                ("What is the receipt number of {}?", "receipt"),
                ("Which amount did {} hand in?", "amount"),
                ("When did {} submit the receipt?", "submitted"),
                ("{} receipt category", "category"),
            ),
            ("What is the bank account of {}?", "Who approved the receipt of {}?"),
        ),
        Table(
            "approvals.yaml",
            "yaml list",
            "Approval rules",
            "expense",
            "conference fee, business flight, team dinner, laptop stand, client gift, language course, train pass, "
            "coworking desk",
            "gym membership, standing desk, pet sitter, moving van",
            {
                "approver": "{team lead|head of finance|office manager|managing director}",
                "up to": "{100-4000:50} CHF",
                "notice days": "{3-30}",
            },
            (
                ("Who approves a {}?", "approver"),
                ("How many days of notice does a {} need?", "notice days"),
                ("Up to which amount is a {} approved?", "up to"),
                ("Whose signature do I need for a {}?", "approver"),
            ),
            ("Which tax rate applies to a {}?", "Which shop do we buy a {} from?"),
        ),
        Table(
            "cards.json",
            "json",
            "Company cards",
            "holder",
            "sales team, support team, design team, facility team, legal team, research team, press team",
            "kitchen team, security team, payroll team",
            {"monthly limit": "{500-9000:250}", "expires": "2{7-9}-{01-12}", "bank": "{Alpenbank|Nordkasse|Seebank}"},
            (
                ("What is the monthly limit of the card of the {}?", "monthly limit"),
                ("When does the card of the {} expire?", "expires"),
                ("Which bank issued the {} card?", "bank"),
                ("{} card limit per month", "monthly limit"),
            ),
            ("What is the PIN of the {} card?", "What color is the card of the {}?"),
        ),
        Table(
            "trips.log",
            "log",
            "Trip desk",
            "booking",
            "AX481, BR207, CK930, DL118, EM655, FN302, GP774, HQ549",
            "ZT660, YV381, XW915, WU227",
            {"fare": "{80-900} EUR", "seat": "{1-30}{A|B|C|D}", "desk": "{north|south|remote}"},
            (
                ("What was the fare of booking {}?", "fare"),
                ("Which seat does booking {} have?", "seat"),
                ("booking {} price", "fare"),
                ("Which desk handled booking {}?", "desk"),
            ),
            ("Which hotel belongs to booking {}?", "Who travels on booking {}?"),
        ),
        Table(
            "forms.ini",
            "ini",
            "Expense forms",
            "form",
            "travel request, expense claim, cash advance, mileage claim, currency exchange, visa cover",
            "parental leave, bonus claim, overtime sheet",
            {
                "retention years": "{5-12}",
                "mailbox": "{claims|travel|finance}-{1-9}@office.example",
                "max attachments": "{3-20}",
            },
            (
                ("How many attachments may a {} have?", "max attachments"),
                ("Which mailbox takes the {} form?", "mailbox"),
                ("For how many years is a {} kept?", "retention years"),
                ("Where do I send a {}?", "mailbox"),
            ),
            ("Which font does the {} form use?", "Who designed the {} form?"),
        ),
    ),
    {
        "travel.md": "# Travelling for work\n\nBook trains in second class and flights in economy. Claims are paid "
        "with the "
        "salary of the following month. Receipts are needed from CHF 15 on. Whoever stays with friends may hand in a "
        "gift of up to CHF 40 instead of a hotel.\n",
        "advance.txt": "A cash advance is paid out by the front desk on Tuesdays and Thursdays. It is settled "
        "within thirty "
        "days after the trip. What is not settled by then is taken from the next salary.\n",
    },
    (
        Special("one word", "Zurich", "{limits.md.Zurich.hotel limit}"),
        Special("one word", "motorcycle", "{mileage.html.motorcycle.rate}"),
        Special("one word", "submarine"),
        Special("yes or no", "Is a taxi allowed in Paris without a reason?", "{limits.md.Paris.taxi}"),
        Special("yes or no", "Does a team dinner need approval?", "{approvals.yaml.team dinner.approver}"),
        Special("yes or no", "Does the company pay for dental treatment?"),
        Special("list", "List the hotel limits of all cities", "{limits.md.Basel.hotel limit}"),
        Special("list", "Which teams have a company card?", "sales team"),
        Special("list", "List all pension funds"),
        Special("typo", "What is the hotle limt in Munich?", "{limits.md.Munich.hotel limit}"),
        Special("typo", "mielage rate electic car", "{mileage.html.electric car.rate}"),
        Special("typo", "What is the hotle limt in Lisbon?"),
        Special(
            "long",
            "I came back from a trip yesterday evening, quite late, because two trains were cancelled and I had to "
            "take "
            "a bus for the last part. My colleague told me at breakfast that there is some table of what a night may "
            "cost, and that it depends on where one stays, but she did not remember the figures and her own trips go "
            "elsewhere anyway. I stayed in Vienna for three nights and would like to know, before I fill in the form "
            "and hand in the bill from the front desk, what the hotel limit there is.",
            "{limits.md.Vienna.hotel limit}",
        ),
        Special(
            "long",
            "I came back from a trip yesterday evening, quite late, because two trains were cancelled and I had to "
            "take "
            "a bus for the last part. My colleague told me at breakfast that somebody in the house once organised a "
            "choir, and that there is a list of rehearsal rooms and of the songs which they practised, but she did "
            "not remember where to find it and does not sing herself anyway. Before I answer the mail of the person "
            "who asked me to join, I would like to know on which evening the choir meets, and in which room.",
        ),
        Special("prose", "From which amount on are receipts needed?", "CHF 15"),
        Special("prose", "On which days is a cash advance paid out?", "Tuesdays and Thursdays"),
        Special("far", "How do volcanoes form?"),
        Special("far", "Who painted the ceiling of the Sistine Chapel?"),
    ),
)
