"""Word lists shared by the English sets. All names of persons, firms and books are invented or everyday."""


def year(low, high):
    return lambda rng: str(rng.between(low, high))


def number(low, high):
    return lambda rng: str(rng.between(low, high))


ENGLISH = {
    "woman": "Anna Martha Lucy Helen Grace Ruth Clara Nora Ellen Maya Priya Amina Ingrid Sofia Teresa Yuki".split(),
    "man": "Tom Peter Walter Henry Samuel Victor Oliver Ravi Omar Lars Diego Kenji Marcus Felix Edwin Arthur".split(),
    "first": ["*woman", "*man"],
    "surname": (
        "Harlow Whitcombe Okafor Lindqvist Marchetti Tanaka Brandt Fairweather Novak Castellan Osei Petrov Delacroix Hargreaves Moreno Singh Thackray Velasquez "
        "Aldridge Winterbourne Kowalski Abernathy Nakamura Ferreira Holmgren Rahman Dufresne Pemberton Ashworth Zielinski Adeyemi Larkin Mbeki Rosenthal Tran Whitfield"
    ).split(),
    "city": "Lisbon Oslo Nairobi Lima Kyoto Tunis Prague Quito Hanoi Perth Dublin Ghent Porto Leeds Bergen Trieste Halifax Montevideo Accra Graz".split(),
    "town": "Millbrook Eastwell Harrowgate Stonebridge Fernley Ashcombe Oakhurst Saltmarsh Bramley Whitby Kelmouth Thornbury Redcliffe Norwick".split(),
    "country": "Portugal Norway Kenya Peru Japan Tunisia Ecuador Vietnam Australia Ireland Belgium Italy Canada Uruguay Ghana Austria".split(),
    "month": "January February March April May June July August September October November December".split(),
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "season": "spring summer autumn winter".split(),
    "job": "teacher nurse carpenter gardener baker librarian engineer translator farmer pharmacist postman mechanic tailor photographer fisherman clockmaker".split(),
    "relative": "mother father sister brother aunt uncle grandmother cousin neighbour".split(),
    "animal": "dog cat horse heron fox goat hen donkey swan owl rabbit sparrow".split(),
    "plant": ["roses", "tomatoes", "beans", "apple trees", "lavender", "onions", "sunflowers", "pears", "potatoes", "herbs", "peonies", "cabbages"],
    "food": ["bread", "soup", "fish", "rice", "lentils", "pancakes", "stew", "noodles", "cheese", "omelettes"],
    "room": "kitchen attic cellar hall garden workshop study balcony".split(),
    "weather": ["rain", "fog", "snow", "sunshine", "thunder", "drizzle", "strong wind", "frost"],
    "building": ["station", "library", "town hall", "market", "museum", "post office", "harbour", "school", "mill", "chapel"],
    "vehicle": ["bus", "train", "ferry", "tram", "bicycle", "van"],
    "object": ["lamp", "suitcase", "clock", "violin", "kettle", "map", "blanket", "ladder", "notebook", "camera", "basket", "telescope"],
    "colour": "red blue green yellow grey white black brown orange violet".split(),
    "subject": "history chemistry geography music algebra botany physics grammar".split(),
    "few": ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"],
    "digit": [str(n) for n in range(2, 13)],
    "tens": [str(n) for n in (15, 18, 20, 24, 25, 30, 35, 40, 45, 50, 60, 75, 80, 90)],
    "hundreds": [str(n) for n in (120, 150, 180, 240, 300, 350, 400, 500, 640, 750, 900)],
    "percent": number(2, 60),
    "dayno": number(1, 28),
    "hour": number(1, 11),
    "year": year(1890, 2023),
    "oldyear": year(1650, 1889),
    "newyear": year(1995, 2024),
}
