"""The words of the invented company's world: names, titles, industries, places, pages, reasons."""

from __future__ import annotations

FIRST = (
    "Ada", "Ahmed", "Aiko", "Ben", "Chloé", "Dmitri", "Elif", "Emma", "Farid", "Femke", "Grace",
    "Hugo", "Inès", "Jonas", "Jürgen", "Kofi", "Lars", "Lena", "Li", "Łukasz", "Mateo", "Mei",
    "Nora", "Omar", "Paula", "Priya", "Ravi", "Sofía", "Tom", "Wanjiru", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Adler", "Brun", "Costa", "De Vries", "Diaz", "Evans", "Fischer", "Garcia", "Haas", "Ito",
    "Jansen", "Kaya", "Kowalski", "Lopez", "Moreau", "Müller", "Nair", "O'Brien", "Ortiz", "Patel",
    "Rossi", "Silva", "Smith", "Sørensen", "Tanaka", "Ueda", "Vogel", "Weber", "Yilmaz", "Zhang",
)  # fmt: skip
TITLES = (
    # title, how much it decides (0 to 1), weight
    ("CEO", 1.0, 2), ("COO", 0.95, 2), ("CFO", 0.9, 1), ("CIO", 0.95, 1), ("Founder", 0.9, 2),
    ("VP Operations", 0.95, 4), ("VP Supply Chain", 0.95, 2), ("VP Sales", 0.8, 2),
    ("Director of IT", 0.8, 5), ("Director of Logistics", 0.85, 4), ("Head of Logistics", 0.8, 5),
    ("Head of Purchasing", 0.8, 4), ("Leiter Einkauf", 0.7, 3), ("Directeur des achats", 0.75, 2),
    ("Operations Manager", 0.6, 9), ("IT Manager", 0.55, 8), ("Purchasing Manager", 0.55, 7),
    ("Plant Manager", 0.55, 4), ("Project Manager", 0.4, 6), ("Software Engineer", 0.3, 8),
    ("Data Engineer", 0.3, 4), ("Marketing Specialist", 0.25, 6), ("Accountant", 0.2, 5),
    ("Buyer", 0.45, 5), ("Consultant", 0.2, 5), ("Assistant", 0.1, 4), ("Intern", 0.0, 2),
    ("Student", 0.0, 5),
)  # fmt: skip
RARE_LEVELS = (("Senior", 0.35), ("Deputy Head of", 0.65), ("Group Lead", 0.5), ("Regional", 0.5),
               ("Interim Director of", 0.75), ("Global Head of", 0.85))  # fmt: skip
RARE_FIELDS = ("Fleet Planning", "Warehouse Automation", "Quality", "Customs", "Demand Planning",
               "Facilities", "Master Data", "Treasury", "Process Excellence", "Sustainability",
               "Packaging", "After-Sales", "R&D", "Compliance", "Networks")  # fmt: skip
OTHER_SPELLINGS = (("VP ", "Vice President "), ("Director of ", "Dir. "), ("Head of ", "Head, "),
                   ("Manager", "Mgr"), ("CEO", "Chief Executive Officer"), ("COO", "coo"),
                   ("IT ", "I.T. "), ("Operations", "Ops"))  # fmt: skip
INDUSTRIES = (
    # ours, its weight, whether it fits, HubSpot's word
    ("Manufacturing", 22, True, "ELECTRICAL_ELECTRONIC_MANUFACTURING"),
    ("Software", 14, True, "COMPUTER_SOFTWARE"),
    ("Logistics", 16, True, "LOGISTICS_AND_SUPPLY_CHAIN"),
    ("Retail", 12, True, "RETAIL"),
    ("Finance", 8, True, "FINANCIAL_SERVICES"),
    ("Insurance", 4, True, "INSURANCE"),
    ("Education", 6, False, "HIGHER_EDUCATION"),
    ("Farming", 3, False, "FARMING"),
    ("Healthcare", 5, False, "HOSPITAL_HEALTH_CARE"),
    ("Construction", 4, False, "CONSTRUCTION"),
    ("Government", 2, False, "GOVERNMENT_ADMINISTRATION"),
    ("Not For Profit", 2, False, "NON_PROFIT_ORGANIZATION_MANAGEMENT"),
    ("Falconry", 1, False, "RECREATIONAL_FACILITIES_AND_SERVICES"),
    ("", 3, False, ""),
)  # fmt: skip
COUNTRIES = (("DE", 24), ("FR", 14), ("GB", 13), ("US", 18), ("NL", 7), ("ES", 5), ("CH", 4),
             ("AT", 4), ("IT", 3), ("PL", 2), ("SE", 1), ("IN", 1), ("JP", 1), ("BR", 1),
             ("Deutschland", 1), ("United Kingdom", 1), ("u.s.a.", 1), ("", 3))  # fmt: skip
COMPANY_FRONT = ("North", "Blue", "Alpen", "Rhine", "Delta", "Iron", "Nova", "Quiet", "Silver",
                 "Terra", "Urban", "Vector", "West", "Zen", "Atlas", "Cedar")  # fmt: skip
COMPANY_BACK = ("Mills", "Freight", "Systems", "Foods", "Pumps", "Retail", "Capital", "Labs",
                "Motors", "Paper", "Robotics", "Optics", "Textil", "Energy", "Supply")  # fmt: skip
LEGAL = ("GmbH", "SA", "Ltd", "Inc.", "BV", "AG", "SARL", "& Sons")
FREE_MAIL = ("gmail.com", "gmail.com", "gmail.com", "outlook.com", "gmx.de", "yahoo.fr", "web.de")
COMPETITORS = ("rival.example", "competitor.example")
OWN_DOMAIN = "acme.example"
OWNERS = ("anna", "ben", "carla", "dan", "eva", "finn", "gina", "hans", "ivy", "jack", "kim",
          "leo", "mia", "nils", "olga", "pete", "quinn", "rosa", "sam", "tara", "udo", "vera",
          "will", "xenia", "yann", "zoe", "arne", "britt", "clara", "david", "ella", "frank",
          "greta", "henk", "ines", "joao", "karl", "lotte", "marek", "nadia")  # fmt: skip
ACTIVE_OWNERS = 35
"""The first so many of OWNERS still work here."""
QUEUES = ("Inbound", "Partners")
PAGES = (("/", 8), ("/product/planner", 5), ("/product/api", 3), ("/product/integrations", 2),
         ("/blog/planning", 5), ("/blog/forecast-errors", 3), ("/customers", 2), ("/docs", 2),
         ("/about", 1), ("/careers", 1))  # fmt: skip
ASSETS = ("roi-guide", "planning-book", "security-paper", "case-study")
HAND_RAISES = ("demo", "contact sales", "pricing")
CAMPAIGNS = (
    # name, Salesforce's type, what its members did, share of people it meets
    ("Spring fair", "Trade Show", 0.10), ("Webinar: better forecasts", "Webinar", 0.16),
    ("Webinar: planning live", "Webinar", 0.12), ("Search ads", "Web", 0.18),
    ("Newsletter", "Email", 0.24), ("Partner mail", "Email", 0.10), ("ROI guide", "Content", 0.12),
)  # fmt: skip
MAILINGS = ("spring-fair", "webinar-series", "product-news", "newsletter", "partner-mail")
SOURCES = (("Web", 9), ("Partner Referral", 3), ("Purchased List", 3), ("Phone Inquiry", 2),
           ("Trade Show", 3), ("Webinar", 3), ("Other", 2), ("", 2))  # fmt: skip
REJECTED = ("no_budget", "bad_timing", "no_authority", "no_contact", "not_icp_size")
LOST = ("price", "competitor", "no_budget", "bad_timing", "no_decision", "missing_feature")
HOSTILE = (
    # first, last, title, company, e-mail; None keeps what the person had
    ("Robert", "'; DROP TABLE people; --", None, None, None),
    ("=1+1", "Formula", "=cmd|' /C calc'!A0", None, None),
    ("مها", "الأحمد", "مديرة العمليات", None, None),
    ("🦊", "Fox 👩‍💻", "Chief 🚀 Officer", None, None),
    ("<b>Bold</b>", "<script>alert(1)</script>", "VP <i>Sales</i>", None, None),
    ("Tab\there", "Line\nbreak", "Bell\x07 Ringer", None, None),
    ("Long", "L" * 80, "T" * 128, "C" * 255, None),
    ("No", "Address", None, None, ""),
    ("Bad", "Address", None, None, "not an address"),
    ("Two", "Addresses", None, None, "a@b.example, c@d.example"),
    ("Double", "Dots", None, None, "double..dots@quiet.example"),
    ("@Lead:0", "@cmd", "-5 apples", "+SUM(A1)", None),
    ("Zero\u200bWidth", "Spa\u00a0ce", " CEO ", None, None),
    ("ÅNGSTRÖM", "ﬁne", "Ｄirector of IT", None, None),
    ("\u202eesreveR", "Override", None, None, None),
    ("null", "None", "undefined", "NaN", None),
    ("Quote\"d", "O''Neil \\", 'Head of "Things"', 'Comma, "Quote" & Co', None),
    ("Percent", "%s {0} ${HOME}", "{{7*7}}", None, None),
)  # fmt: skip
