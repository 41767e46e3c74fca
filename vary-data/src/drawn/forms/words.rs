//! Words that forms are filled with.

pub(super) const FIRST: &[&str] = &[
    "Alice", "Amir", "Anna", "Ben", "Carla", "Daniel", "Elena", "Erik", "Fatima", "George", "Hana",
    "Ivan", "Jane", "Karim", "Laura", "Marco", "Nadia", "Oscar", "Paula", "Quentin", "Rosa",
    "Samuel", "Tanya", "Victor", "Wendy", "Yusuf",
];
pub(super) const LAST: &[&str] = &[
    "Adams", "Becker", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Hughes", "Ito", "Jensen",
    "Kowalski", "Larsen", "Moreau", "Novak", "Okafor", "Petrov", "Quinn", "Rossi", "Singh",
    "Tanaka", "Usman", "Vargas", "Walker", "Young", "Zhang",
];
pub(super) const STREETS: &[&str] = &[
    "Oak Street",
    "Mill Road",
    "High Street",
    "Park Avenue",
    "Lake Drive",
    "Station Road",
    "Cedar Lane",
    "Church Street",
    "Harbor Way",
    "Elm Court",
    "King Street",
    "Ridge Road",
];
/// City, state, first digits of its postal codes.
pub(super) const CITIES: &[(&str, &str, i64)] = &[
    ("Albany", "NY", 122),
    ("Austin", "TX", 787),
    ("Boise", "ID", 837),
    ("Boston", "MA", 21),
    ("Chicago", "IL", 606),
    ("Columbus", "OH", 432),
    ("Denver", "CO", 802),
    ("Fresno", "CA", 937),
    ("Madison", "WI", 537),
    ("Omaha", "NE", 681),
    ("Portland", "OR", 972),
    ("Seattle", "WA", 981),
    ("Tampa", "FL", 336),
    ("Tucson", "AZ", 857),
];
pub(super) const COMPANY: &[&str] = &[
    "Northwind",
    "Blue Ridge",
    "Silverline",
    "Greenfield",
    "Atlas",
    "Harbor",
    "Summit",
    "Crescent",
    "Pioneer",
    "Redwood",
    "Lakeside",
    "Beacon",
    "Evergreen",
    "Granite",
];
pub(super) const TRADE: &[&str] = &[
    "Supplies",
    "Trading Co.",
    "Industries",
    "Services Inc.",
    "Logistics",
    "Systems LLC",
    "Partners",
    "Group",
];
pub(super) const SHOP: &[&str] = &["Market", "Grocery", "Hardware", "Cafe", "Pharmacy", "Books"];
/// Goods for firms with the range of their price in cents.
pub(super) const GOODS: &[(&str, i64, i64)] = &[
    ("Office chair", 4900, 28900),
    ("Desk lamp", 1500, 8900),
    ("Printer paper", 399, 2900),
    ("Toner cartridge", 3900, 14900),
    ("Monitor stand", 1900, 7900),
    ("USB cable", 299, 1900),
    ("Filing cabinet", 8900, 39900),
    ("Whiteboard", 2900, 19900),
    ("Notebook set", 599, 2400),
    ("Keyboard", 1900, 12900),
    ("Consulting hour", 6000, 18000),
    ("Safety gloves", 450, 2600),
    ("Steel bolts", 199, 1500),
    ("Paint bucket", 1800, 6400),
    ("Wall clock", 1200, 5900),
    ("Label roll", 350, 1600),
];
/// Goods of shops with the range of their price in cents.
pub(super) const GROCERIES: &[(&str, i64, i64)] = &[
    ("Milk", 99, 399),
    ("Bread", 149, 599),
    ("Eggs", 199, 699),
    ("Coffee", 399, 1499),
    ("Apples", 120, 640),
    ("Rice", 149, 899),
    ("Butter", 199, 749),
    ("Tea", 249, 899),
    ("Cheese", 299, 1299),
    ("Soap", 99, 549),
    ("Batteries", 399, 1599),
    ("Juice", 149, 599),
    ("Pasta", 99, 449),
    ("Olive oil", 499, 1899),
    ("Honey", 349, 1199),
    ("Napkins", 129, 499),
];
pub(super) const DEPARTMENTS: &[&str] = &[
    "Accounting",
    "Engineering",
    "Marketing",
    "Operations",
    "Research",
    "Security",
    "Sales",
    "Human Resources",
    "Purchasing",
    "Quality",
];
pub(super) const EVENTS: &[&str] = &[
    "Spring Conference",
    "Summer Camp",
    "Swimming Course",
    "Chess Tournament",
    "First Aid Course",
    "Photography Workshop",
    "City Marathon",
    "Pottery Class",
];
pub(super) const SUBJECTS: &[&str] = &[
    "Budget review",
    "Office move",
    "Travel policy",
    "Fire drill",
    "New printers",
    "Staff survey",
    "Parking permits",
    "Year-end report",
    "Safety training",
    "Website launch",
];
pub(super) const MEETINGS: &[&str] = &[
    "kick-off meeting",
    "review meeting",
    "training session",
    "planning meeting",
    "workshop",
    "inspection",
];
pub(super) const ROOMS: &[&str] = &[
    "Room 204",
    "Room 17",
    "the main hall",
    "the library",
    "Conference Room B",
    "Building 5",
];
pub(super) const SERVICES: &[&str] = &[
    "Ground",
    "Express",
    "Overnight",
    "Economy",
    "Priority",
    "Two-day",
];
