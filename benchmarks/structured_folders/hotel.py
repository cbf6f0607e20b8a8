"""A folder of a hotel: anything may be chosen on it."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

HOTEL = Domain(
    "hotel",
    (
        Table(
            "rooms.md",
            "markdown",
            "Rooms",
            "room",
            "Garden Suite, Lake Room, Tower Room, Family Room, Attic Room, Courtyard Room, Library Suite, Orchard Room",
            "Vineyard Suite, Harbor Room, Penthouse, Stable Room",
            {"beds": "{1-4}", "price": "EUR {90-390:10}", "floor": "{1-5}", "bath": "{shower|bathtub|shared}"},
            (
                ("What does the {} cost?", "price"),
                ("How many beds are in the {}?", "beds"),
                ("On which floor is the {}?", "floor"),
                ("{} price per night", "price"),
            ),
            ("Which pictures hang in the {}?", "When was the {} renovated?"),
        ),
        Table(
            "menus.html",
            "html",
            "Menu of the week",
            "dish",
            "mushroom risotto, lentil stew, trout, beef goulash, pumpkin soup, cheese dumplings, apple strudel",
            "lamb curry, sushi platter, paella, plum cake",
            {
                "price": "EUR {8-34}.{10-90:10}",
                "day": "{Monday|Tuesday|Wednesday|Thursday|Friday}",
                "allergens": "{milk|nuts|gluten|none}",
            },
            (
                ("What does the {} cost?", "price"),
                ("On which day is there {}?", "day"),
                ("Which allergens are in the {}?", "allergens"),
                ("{} price", "price"),
            ),
            ("How many calories does the {} have?", "Who cooks the {}?"),
        ),
        Table(
            "suppliers.csv",
            "csv",
            "Suppliers",
            "goods",
            "bread, milk, linen, flowers, coffee, firewood, soap, eggs, wine, ice",
            "candles, carpets, honey, batteries",
            {
                "supplier": "{Brunner|Falk|Santos|Keller|Moreau} {Ltd|and Sons|Brothers}",
                "phone": "+41 44 {100-999} {10-99} {10-99}",
                "delivery": "{Mon|Tue|Wed|Thu|Fri} {06-11}:{00-45:15}",
            },
            (
                ("Who supplies our {}?", "supplier"),
                ("When is the {} delivered?", "delivery"),
                ("What is the phone number of the {} supplier?", "phone"),
                ("{} vendor", "supplier"),
            ),
            ("What do we pay for the {}?", "Which customs code does our {} have?"),
        ),
        Table(
            "staff.json",
            "json",
            "Staff",
            "name",
            "Rosa Blum, Samir Haddad, Tilda Nyberg, Ugo Conti, Vera Sokol, Walter Graf, Xenia Pappas, Yusuf Demir",
            "Zoe Marchand, Arne Dahl, Bianca Luz",
            {
                "role": "{porter|receptionist|cook|gardener|night auditor}",
                "extension": "{100-399}",
                "since": "20{12-25}",
            },
            (
                ("What is the extension of {}?", "extension"),
                ("Which role does {} have?", "role"),
                ("Since when does {} work here?", "since"),
                ("How do I reach {} by phone?", "extension"),
            ),
            ("What is the salary of {}?", "Where does {} live?"),
        ),
        Table(
            "pricing.py",
            "python",
            "Discounts on the price of a room",
            "discount",
            "early bird, last minute, long stay, senior, student, group",
            "honeymoon, birthday, veteran, airline",
            {"percent": "{5-40:5}", "min nights": "{1-14}", "code": "{A|B|C}{1000-9999}"},
            (
                ("How many percent does the {} discount give?", "percent"),
                ("How many nights does the {} discount require?", "min nights"),
                ("What is the code of the {} discount?", "code"),
                ("{} discount promo code", "code"),
            ),
            ("Until which date does the {} discount run?", "Who may approve the {} discount?"),
        ),
        Table(
            "kiosk.ts",
            "typescript",
            "Screens of the kiosk in the lobby",
            "screen",
            "check in, check out, city map, room service, weather, spa booking",
            "taxi call, guest book, lost items",
            {"timeout seconds": "{20-180:10}", "background": "#{100000-999999}", "languages": "{2-9}"},
            (
                ("After how many seconds does the {} screen time out?", "timeout seconds"),
                ("Which background has the {} screen?", "background"),
                ("In how many languages is the {} screen available?", "languages"),
                ("{} screen timeout", "timeout seconds"),
            ),
            ("Which sound does the {} screen play?", "Which camera does the {} screen use?"),
        ),
        Table(
            "doors.ini",
            "ini",
            "Doors",
            "door",
            "main entrance, cellar, kitchen, garage, roof terrace, laundry, spa",
            "chapel, ski room, boat house",
            {"open from": "{05-09}:{00-45:15}", "closed from": "{18-23}:{00-45:15}", "lock": "{badge|key|code}"},
            (
                ("From when on is the {} door open?", "open from"),
                ("When is the {} closed in the evening?", "closed from"),
                ("How is the {} door locked?", "lock"),
                ("{} opening time", "open from"),
            ),
            ("Which alarm code does the {} door have?", "Who has a spare key for the {} door?"),
        ),
    ),
    {
        "house.md": "# House rules\n\nBreakfast is served from seven to half past ten. Dogs are welcome in rooms on "
        "the ground "
        "floor. Quiet hours begin at ten in the evening. Guests leave their rooms by eleven.\n",
        "spa.txt": "The sauna is heated every afternoon at four. Towels lie at the entrance of the spa and are "
        "changed twice "
        "a day. Children under twelve use the pool with a grown-up.\n",
    },
    (
        Special("one word", "trout", "{menus.html.trout.price}"),
        Special("one word", "firewood", "{suppliers.csv.firewood.supplier}"),
        Special("one word", "bitcoin"),
        Special("yes or no", "Does the Tower Room have a bathtub?", "{rooms.md.Tower Room.bath}"),
        Special("yes or no", "Is the cellar door locked with a key?", "{doors.ini.cellar.lock}"),
        Special("yes or no", "Is there a shuttle bus to the airport?"),
        Special("list", "List all rooms with their prices", "{rooms.md.Lake Room.price}"),
        Special("list", "Which dishes are on the menu?", "lentil stew"),
        Special("list", "List all conference halls"),
        Special("typo", "What does the Lake Rom cots?", "{rooms.md.Lake Room.price}"),
        Special("typo", "fone number of the linnen supplier", "{suppliers.csv.linen.phone}"),
        Special("typo", "What does the Harbour Rom cots?"),
        Special("prose", "When does breakfast begin?", "seven"),
        Special("prose", "When is the sauna heated?", "every afternoon at four"),
        Special("far", "How does a transistor work?"),
        Special("far", "Which planet has the most moons?"),
    ),
)
