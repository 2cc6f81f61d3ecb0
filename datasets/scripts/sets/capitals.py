"""True and false statements about capital cities. Each template has countries and states of its own, so that neither a template nor a place stands on
both sides of a split; a false statement names another town of the same country or the capital of another one."""

from core import Grammar

# place|capital|another town
COUNTRIES = """France|Paris|Lyon
Germany|Berlin|Munich
Italy|Rome|Milan
Spain|Madrid|Barcelona
Portugal|Lisbon|Porto
Norway|Oslo|Bergen
Sweden|Stockholm|Gothenburg
Denmark|Copenhagen|Aarhus
Finland|Helsinki|Turku
Iceland|Reykjavik|Akureyri
Ireland|Dublin|Cork
the United Kingdom|London|Manchester
Belgium|Brussels|Antwerp
Austria|Vienna|Salzburg
Switzerland|Bern|Zurich
Poland|Warsaw|Krakow
the Czech Republic|Prague|Brno
Slovakia|Bratislava|Košice
Hungary|Budapest|Debrecen
Romania|Bucharest|Cluj
Bulgaria|Sofia|Plovdiv
Greece|Athens|Thessaloniki
Turkey|Ankara|Istanbul
Serbia|Belgrade|Novi Sad
Croatia|Zagreb|Split
Slovenia|Ljubljana|Maribor
Albania|Tirana|Durrës
North Macedonia|Skopje|Bitola
Montenegro|Podgorica|Budva
Lithuania|Vilnius|Kaunas
Latvia|Riga|Daugavpils
Estonia|Tallinn|Tartu
Ukraine|Kyiv|Odesa
Belarus|Minsk|Brest
Moldova|Chișinău|Bălți
Russia|Moscow|Saint Petersburg
Georgia|Tbilisi|Batumi
Armenia|Yerevan|Gyumri
Azerbaijan|Baku|Ganja
Egypt|Cairo|Alexandria
Morocco|Rabat|Casablanca
Algeria|Algiers|Oran
Tunisia|Tunis|Sfax
Libya|Tripoli|Benghazi
Sudan|Khartoum|Port Sudan
Ethiopia|Addis Ababa|Gondar
Kenya|Nairobi|Mombasa
Uganda|Kampala|Gulu
Rwanda|Kigali|Butare
Ghana|Accra|Kumasi
Nigeria|Abuja|Lagos
Senegal|Dakar|Thiès
Mali|Bamako|Timbuktu
Cameroon|Yaoundé|Douala
Angola|Luanda|Huambo
Zambia|Lusaka|Ndola
Zimbabwe|Harare|Bulawayo
Mozambique|Maputo|Beira
Botswana|Gaborone|Francistown
Namibia|Windhoek|Walvis Bay
Madagascar|Antananarivo|Toamasina
Malawi|Lilongwe|Blantyre
Somalia|Mogadishu|Hargeisa
Niger|Niamey|Zinder
Chad|N'Djamena|Moundou
Gabon|Libreville|Port-Gentil
Liberia|Monrovia|Buchanan
Guinea|Conakry|Kankan
Burkina Faso|Ouagadougou|Bobo-Dioulasso
Mauritania|Nouakchott|Nouadhibou
China|Beijing|Shanghai
Japan|Tokyo|Osaka
South Korea|Seoul|Busan
North Korea|Pyongyang|Hamhung
Mongolia|Ulaanbaatar|Erdenet
Vietnam|Hanoi|Da Nang
Thailand|Bangkok|Chiang Mai
Cambodia|Phnom Penh|Battambang
Laos|Vientiane|Luang Prabang
the Philippines|Manila|Cebu
Indonesia|Jakarta|Surabaya
India|New Delhi|Mumbai
Pakistan|Islamabad|Karachi
Bangladesh|Dhaka|Chittagong
Nepal|Kathmandu|Pokhara
Afghanistan|Kabul|Herat
Iran|Tehran|Isfahan
Iraq|Baghdad|Basra
Syria|Damascus|Aleppo
Lebanon|Beirut|Tyre
Jordan|Amman|Aqaba
Saudi Arabia|Riyadh|Jeddah
Yemen|Sanaa|Aden
Oman|Muscat|Salalah
Qatar|Doha|Al Khor
the United Arab Emirates|Abu Dhabi|Dubai
Kazakhstan|Astana|Almaty
Uzbekistan|Tashkent|Samarkand
Kyrgyzstan|Bishkek|Osh
Tajikistan|Dushanbe|Khujand
Turkmenistan|Ashgabat|Mary
Australia|Canberra|Sydney
New Zealand|Wellington|Auckland
Papua New Guinea|Port Moresby|Lae
Fiji|Suva|Nadi
Canada|Ottawa|Toronto
the United States|Washington|New York
Cuba|Havana|Santiago de Cuba
Jamaica|Kingston|Montego Bay
Haiti|Port-au-Prince|Cap-Haïtien
Guatemala|Guatemala City|Antigua
Honduras|Tegucigalpa|San Pedro Sula
El Salvador|San Salvador|Santa Ana
Nicaragua|Managua|León
Costa Rica|San José|Limón
Panama|Panama City|Colón
Colombia|Bogotá|Medellín
Venezuela|Caracas|Maracaibo
Ecuador|Quito|Guayaquil
Peru|Lima|Cusco
Brazil|Brasília|São Paulo
Paraguay|Asunción|Encarnación
Uruguay|Montevideo|Salto
Argentina|Buenos Aires|Córdoba
Chile|Santiago|Valparaíso
Bavaria|Munich|Nuremberg
Saxony|Dresden|Leipzig
Hesse|Wiesbaden|Frankfurt
Lower Saxony|Hanover|Göttingen
Thuringia|Erfurt|Jena
Catalonia|Barcelona|Girona
Andalusia|Seville|Málaga
Galicia|Santiago de Compostela|Vigo
Tuscany|Florence|Pisa
Sicily|Palermo|Catania
Lombardy|Milan|Bergamo
Sardinia|Cagliari|Sassari
Scotland|Edinburgh|Glasgow
Wales|Cardiff|Swansea
Tyrol|Innsbruck|Kufstein
Ontario|Toronto|Hamilton
Alberta|Edmonton|Calgary
British Columbia|Victoria|Vancouver
Manitoba|Winnipeg|Brandon
Nova Scotia|Halifax|Sydney
Saskatchewan|Regina|Saskatoon
New South Wales|Sydney|Newcastle
Queensland|Brisbane|Cairns
Tasmania|Hobart|Launceston
South Australia|Adelaide|Mount Gambier
Alabama|Montgomery|Birmingham
Alaska|Juneau|Anchorage
Arizona|Phoenix|Tucson
Arkansas|Little Rock|Fayetteville
California|Sacramento|Los Angeles
Colorado|Denver|Boulder
Connecticut|Hartford|New Haven
Delaware|Dover|Wilmington
Florida|Tallahassee|Miami
Hawaii|Honolulu|Hilo
Idaho|Boise|Pocatello
Illinois|Springfield|Chicago
Indiana|Indianapolis|Gary
Iowa|Des Moines|Cedar Rapids
Kansas|Topeka|Wichita
Kentucky|Frankfort|Louisville
Louisiana|Baton Rouge|New Orleans
Maine|Augusta|Portland
Maryland|Annapolis|Baltimore
Massachusetts|Boston|Worcester
Michigan|Lansing|Detroit
Minnesota|Saint Paul|Minneapolis
Mississippi|Jackson|Biloxi
Missouri|Jefferson City|Saint Louis
Montana|Helena|Billings
Nebraska|Lincoln|Omaha
Nevada|Carson City|Las Vegas
New Hampshire|Concord|Manchester
New Jersey|Trenton|Newark
New Mexico|Santa Fe|Albuquerque
North Carolina|Raleigh|Charlotte
North Dakota|Bismarck|Fargo
Ohio|Columbus|Cleveland
Oklahoma|Oklahoma City|Tulsa
Oregon|Salem|Portland
Pennsylvania|Harrisburg|Pittsburgh
Rhode Island|Providence|Newport
South Carolina|Columbia|Charleston
South Dakota|Pierre|Rapid City
Tennessee|Nashville|Memphis
Texas|Austin|Houston
Utah|Salt Lake City|Provo
Vermont|Montpelier|Burlington
Virginia|Richmond|Norfolk
West Virginia|Charleston|Huntington
Wisconsin|Madison|Milwaukee
Wyoming|Cheyenne|Casper
the Dominican Republic|Santo Domingo|La Romana
Togo|Lomé|Sokodé
Sierra Leone|Freetown|Bo
the Gambia|Banjul|Serrekunda
Eritrea|Asmara|Massawa
Suriname|Paramaribo|Nieuw Nickerie
Guyana|Georgetown|Linden
Belize|Belmopan|Belize City
Bahrain|Manama|Muharraq
Malta|Valletta|Sliema
Cyprus|Nicosia|Limassol
Bosnia and Herzegovina|Sarajevo|Mostar
Piedmont|Turin|Novara
Brittany|Rennes|Saint-Malo
Normandy|Rouen|Caen"""

FRAMES = [
    "The capital of {place} is {city}.",
    "{City} is the capital of {place}.",
    "If you travel to the capital of {place}, you travel to {city}.",
    "{Place} is governed from {city}, its capital.",
    "The government of {place} has its seat in the capital, {city}.",
    "Every schoolchild learns that {city} is the capital of {place}.",
    "In {place} the capital is called {city}.",
    "The train stopped in {city}, which is the capital of {place}.",
    "My uncle moved to {city}, the capital of {place}, two years ago.",
    "On the map of {place}, {city} is marked with a star because it is the capital.",
    "The parliament of {place} meets in the capital city of {city}.",
    "{City} has long been the capital city of {place}.",
    "Asked for the capital of {place}, the student rightly answered {city}.",
    "It is a fact that the capital city of {place} is {city}.",
    "They flew to {place} and landed in {city}, the capital.",
    "Of all the towns in {place}, {city} is the one that is the capital.",
    "The letter was sent to {city}, capital of {place}, in March.",
    "As the capital of {place}, {city} is home to the ministries.",
    "The name of the capital of {place} has {letters} letters: {city}.",
    "In the quiz, the right answer for {place} was {city}, its capital.",
    "{Place}'s capital city is {city}, as any atlas will show.",
    "The museum of national history of {place} stands in {city}, the capital.",
    "People from all over {place} came to the capital, {city}, for the feast.",
    "The capital city of {place} goes by the name of {city}.",
    "Nobody who has been to {place} doubts that its capital is {city}.",
    "The road ends in {city}, the capital of {place}.",
    "The new bridge was built in {city}, the capital of {place}.",
    "You will find {city} in {place}, where it serves as the capital.",
]


def examples(rng):
    places = [line.split("|") for line in COUNTRIES.splitlines()]
    rng.shuffle(places)
    found = []
    for i, frame in enumerate(FRAMES):
        block = places[i :: len(FRAMES)]
        for k, (place, capital, other) in enumerate(block):
            wrong = other if k % 2 == 0 else block[(k + 1) % len(block)][1]
            for label, city in (("true", capital), ("false", wrong)):
                letters = len([c for c in city if c.isalpha()])
                text = frame.format(place=place, Place=place[0].upper() + place[1:], city=city, City=city, letters=letters)
                found.append({"text": text, "label": label, "group": "capitals-%02d" % (i + 1)})
    return found
