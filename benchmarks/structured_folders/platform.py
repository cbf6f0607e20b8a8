"""A folder of a software platform: anything may be chosen on it."""

from __future__ import annotations

from benchmarks.structured_text_files import Domain, Special, Table

PLATFORM = Domain(
    "platform",
    (
        Table(
            "services.yaml",
            "yaml tree",
            "Services",
            "service",
            "billing, search, mailer, checkout, inventory, gateway, reports, identity, scheduler",
            "telemetry, chatbot, translator, recommender",
            {
                "port": "{8000-9999}",
                "replicas": "{1-9}",
                "memory": "{256-4096:256}Mi",
                "owner": "team-{red|blue|green|gray}",
            },
            (
                ("Which port does the {} service listen on?", "port"),
                ("How many replicas does {} have?", "replicas"),
                ("Who owns the {} service?", "owner"),
                ("{} memory limit", "memory"),
            ),
            ("Which programming language is the {} service written in?", "What is the uptime of {}?"),
        ),
        Table(
            "hosts.csv",
            "csv",
            "Hosts",
            "host",
            "aster, birch, cedar, dahlia, elder, fern, ginger, hazel, iris, juniper, kelp, linden",
            "maple, nettle, orchid, poplar",
            {
                "location": "{North Hall|South Hall|Annex}",
                "system": "{Ubuntu 24.04|Debian 12|Rocky 9}",
                "cores": "{4-64:4}",
                "serial": "SN{10000-99999}",
            },
            (
                ("Where does the host {} stand?", "location"),
                ("How many cores does {} have?", "cores"),
                ("Which operating system runs on {}?", "system"),
                ("serial number {}", "serial"),
            ),
            ("When was the host {} bought?", "What is the IP address of {}?"),
        ),
        Table(
            "jobs.jsonl",
            "json lines",
            "Jobs",
            "job",
            "nightly export, index rebuild, invoice run, cache warmup, log rotation, key renewal, data purge, stock "
            "sync",
            "password reset, image resize, tax report",
            {"cron": "{0-59} {0-23} * * *", "timeout": "{30-900:30} s", "on failure": "{page|mail|ignore}"},
            (
                ("What is the timeout of the {} job?", "timeout"),
                ("At which cron time does the {} run?", "cron"),
                ("What happens when the {} fails?", "on failure"),
                ("{} schedule", "cron"),
            ),
            ("Which database does the {} job read?", "Who wrote the {} job?"),
        ),
        Table(
            "exporters.py",
            "python",
            "Exporters of records to files",
            "exporter",
            "customer, invoice, product, order, refund, shipment, voucher",
            "warranty, payslip, contract, survey",
            {"batch size": "{100-2000:100}", "file format": "{parquet|csv|xlsx}", "timeout seconds": "{10-120:5}"},
            (
                ("What batch size does the {} exporter use?", "batch size"),
                ("Which file format does the {} exporter write?", "file format"),
                ("After how many seconds does the {} exporter time out?", "timeout seconds"),
                ("{}_exporter batch_size", "batch size"),
            ),
            ("Which encoding does the {} exporter use?", "Which bucket does the {} exporter write to?"),
        ),
        Table(
            "routes.ts",
            "typescript",
            "Routes of the public interface",
            "route",
            "login, profile, basket, wishlist, search page, order history, help page",
            "careers page, gift cards, newsletter",
            {"path": "/{v1|v2|web}/{a|b|c|d}{100-999}", "cache seconds": "{0-600:30}", "max items": "{10-200:10}"},
            (
                ("What is the path of the {} route?", "path"),
                ("For how many seconds is the {} cached?", "cache seconds"),
                ("What is the most items that the {} route returns?", "max items"),
                ("{} route URL", "path"),
            ),
            ("Which tests cover the {} route?", "Which header does the {} route require?"),
        ),
        Table(
            "backups.log",
            "log",
            "Backup",
            "dump",
            "crm, wiki, ledger, media, mailstore, tickets, forge, calendar",
            "payroll, fileshare, telephony",
            {"took": "{40-900} s", "size": "{1-90}.{1-9} GB", "target": "{vault-a|vault-b}"},
            (
                ("How long did the dump of {} take?", "took"),
                ("How large was the {} backup?", "size"),
                ("To which target was {} backed up?", "target"),
                ("{} backup duration", "took"),
            ),
            ("Which key encrypts the backup of {}?", "Who restored {} last?"),
        ),
        Table(
            "alerts.toml",
            "toml",
            "Alerts",
            "alert",
            "disk full, high latency, login failures, queue length, certificate age, memory pressure",
            "fan speed, door open, replication lag",
            {"threshold": "{50-99}", "severity": "{page|ticket|notice}", "window minutes": "{5-60:5}"},
            (
                ("What is the threshold of the {} alert?", "threshold"),
                ("How severe is the {} alert?", "severity"),
                ("Over how many minutes is {} measured?", "window minutes"),
                ("{} alert window", "window minutes"),
            ),
            ("Who is on call for the {} alert?", "Which dashboard shows {}?"),
        ),
    ),
    {
        "deploy.md": "# Deployments\n\nWe deploy on weekdays between nine and four. A release is tagged by the "
        "person who merged "
        "last. If an error budget is used up, only fixes go out until the next month begins.\n",
        "secrets.md": "# Secrets\n\nSigning keys are kept in the vault and renewed every ninety days. Nobody copies "
        "a key to a "
        "laptop. A lost key is reported to the security desk at once.\n",
    },
    (
        Special("one word", "billing", "{services.yaml.billing.port}"),
        Special("one word", "juniper", "{hosts.csv.juniper.serial}"),
        Special("one word", "kangaroo"),
        Special("yes or no", "Does cedar run Debian 12?", "{hosts.csv.cedar.system}"),
        Special("yes or no", "Is the job for log rotation paged on failure?", "{jobs.jsonl.log rotation.on failure}"),
        Special("yes or no", "Do we support single sign-on with Kerberos?"),
        Special("list", "List all services and their ports", "{services.yaml.search.port}"),
        Special("list", "Which hosts stand in the South Hall?", "South Hall"),
        Special("list", "List all printers"),
        Special("typo", "Which prot does the chekout service listen on?", "{services.yaml.checkout.port}"),
        Special("typo", "how long did teh wiki bakcup take", "{backups.log.wiki.took}"),
        Special("typo", "Which prot does the telemetri service listen on?"),
        Special(
            "long",
            "We had a short outage this morning, nothing dramatic, and while going through the notes afterwards "
            "several "
            "people asked the same question that nobody could answer from memory. The firewall team wants to open "
            "exactly "
            "one port between the two networks and asked us to name it in the ticket, together with a reason and a "
            "date "
            "on which the rule may be removed again. I know the name of the service but never had to do with it "
            "before, "
            "and the person who set it up is on holiday until Monday: on which port does inventory listen?",
            "{services.yaml.inventory.port}",
        ),
        Special(
            "long",
            "We had a short outage this morning, nothing dramatic, and while going through the notes afterwards "
            "several "
            "people asked the same question that nobody could answer from memory. The landlord wants to know how many "
            "visitors we expect at the summer party and asked us to name a number in the reply, together with a "
            "list of "
            "allergies and a wish for the kind of music. I know that there was a party last year but never had to do "
            "with it, and the person who organised it has left: how many guests came to the summer party?",
        ),
        Special("prose", "Between which hours are deployments made?", "nine and four"),
        Special("prose", "How often are signing keys renewed?", "ninety days"),
        Special("far", "What is the boiling point of mercury?"),
        Special("far", "Which rivers flow through Budapest?"),
    ),
)
