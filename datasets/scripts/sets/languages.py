"""Everyday sentences in a dozen languages: per language some topics, each with sentences that begin and sentences that go on."""

from core import Grammar

# language: (lists, {topic: (openings, continuations)})
LANGUAGES = {
    "English": ({
        "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"], "who": ["my sister", "our neighbour", "Martin", "the teacher", "Julia", "a friend of mine"],
        "city": ["London", "Madrid", "Vienna", "Chicago", "Oslo"], "n": ["two", "three", "four", "five", "ten"], "food": ["bread", "soup", "fish", "rice", "cheese"],
    }, {
        "weather": (["It has been raining since {day}, and the river is higher than usual.", "The fog was so thick this morning that {who} missed the bus.", "After {n} days of wind the sky is finally clear."],
                    ["The forecast promises sunshine for {day}.", "We kept the windows shut and made tea.", "Nobody remembers a spring as cold as this one."]),
        "kitchen": (["First wash the vegetables, then cut them into small pieces.", "{^who} bakes {food|a cake} every {day} for the whole family.", "There was nothing left in the kitchen but {food} and {n} eggs."],
                    ["It tastes best with a little salt and lemon.", "Let everything cook slowly for {n} hours.", "The recipe comes from my grandmother, who never wrote it down."]),
        "travel": (["The train to {city} leaves at {n} o'clock from the other platform.", "{^who} spent {n} weeks in {city} last summer.", "We have lost a suitcase somewhere between here and {city}."],
                   ["The tickets were cheaper than we had expected.", "From the hotel you can see the harbour.", "Next time we shall take the night ferry."]),
        "work": (["The meeting on {day} has been moved to the large room.", "{^who} has worked in the same office for {n} years.", "We are looking for someone who can repair old machines."],
                 ["Please send your answer before {day}.", "Most of the work is done in the morning.", "The new director wants to change almost everything."]),
        "school": (["The children wrote {n} pages about their holidays.", "{^who} is learning the piano and practises every {day}.", "The library opens earlier during the exams."],
                   ["Some of the questions were surprisingly hard.", "The teacher read the best story aloud.", "Homework is due on {day}."]),
        "town": (["The old bridge in {city} will be closed for {n} months.", "A new market has opened near the station.", "Many people gathered in the square on {day} evening."],
                 ["The mayor spoke about the price of housing.", "Shops stayed open until late at night.", "Visitors came from all over the country."]),
    }),
    "French": ({
        "day": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"], "who": ["ma sœur", "notre voisin", "Martin", "la maîtresse", "Julie", "un ami"],
        "city": ["Lyon", "Madrid", "Vienne", "Bordeaux", "Oslo"], "n": ["deux", "trois", "quatre", "cinq", "dix"], "food": ["du pain", "de la soupe", "du poisson", "du riz", "du fromage"],
    }, {
        "weather": (["Il pleut depuis {day}, et la rivière est plus haute que d'habitude.", "Le brouillard était si épais ce matin que {who} a manqué le bus.", "Après {n} jours de vent, le ciel est enfin dégagé."],
                    ["On annonce du soleil pour {day}.", "Nous avons fermé les fenêtres et préparé du thé.", "Personne ne se souvient d'un printemps aussi froid."]),
        "kitchen": (["Lavez d'abord les légumes, puis coupez-les en petits morceaux.", "{^who} fait un gâteau chaque {day} pour toute la famille.", "Il ne restait dans la cuisine que {food} et {n} œufs."],
                    ["C'est meilleur avec un peu de sel et de citron.", "Laissez cuire le tout à feu doux pendant {n} heures.", "La recette vient de ma grand-mère, qui ne l'a jamais écrite."]),
        "travel": (["Le train pour {city} part à {n} heures de l'autre quai.", "{^who} a passé {n} semaines à {city} l'été dernier.", "Nous avons perdu une valise quelque part entre ici et {city}."],
                   ["Les billets étaient moins chers que prévu.", "De l'hôtel, on aperçoit le port.", "La prochaine fois, nous prendrons le bateau de nuit."]),
        "work": (["La réunion de {day} aura lieu dans la grande salle.", "{^who} travaille dans le même bureau depuis {n} ans.", "Nous cherchons quelqu'un qui sache réparer de vieilles machines."],
                 ["Merci d'envoyer votre réponse avant {day}.", "L'essentiel du travail se fait le matin.", "Le nouveau directeur veut presque tout changer."]),
        "school": (["Les enfants ont écrit {n} pages sur leurs vacances.", "{^who} apprend le piano et s'exerce chaque {day}.", "La bibliothèque ouvre plus tôt pendant les examens."],
                   ["Certaines questions étaient étonnamment difficiles.", "Le professeur a lu la plus belle histoire à voix haute.", "Les devoirs sont à rendre {day}."]),
        "town": (["Le vieux pont de {city} sera fermé pendant {n} mois.", "Un nouveau marché vient d'ouvrir près de la gare.", "Beaucoup de gens se sont réunis sur la place {day} soir."],
                 ["Le maire a parlé du prix des logements.", "Les magasins sont restés ouverts jusque tard dans la nuit.", "Les visiteurs venaient de tout le pays."]),
    }),
    "German": ({
        "day": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"], "who": ["meine Schwester", "unser Nachbar", "Martin", "die Lehrerin", "Julia", "ein Freund"],
        "city": ["Hamburg", "Madrid", "Wien", "Zürich", "Oslo"], "n": ["zwei", "drei", "vier", "fünf", "zehn"], "food": ["Brot", "Suppe", "Fisch", "Reis", "Käse"],
    }, {
        "weather": (["Seit {day} regnet es, und der Fluss steht höher als sonst.", "Der Nebel war heute früh so dicht, dass {who} den Bus verpasst hat.", "Nach {n} Tagen Wind ist der Himmel endlich klar."],
                    ["Für {day} ist Sonnenschein angekündigt.", "Wir ließen die Fenster zu und kochten Tee.", "Niemand erinnert sich an einen so kalten Frühling."]),
        "kitchen": (["Waschen Sie zuerst das Gemüse und schneiden Sie es in kleine Stücke.", "{^who} backt jeden {day} einen Kuchen für die ganze Familie.", "In der Küche waren nur noch {food} und {n} Eier übrig."],
                    ["Am besten schmeckt es mit etwas Salz und Zitrone.", "Alles {n} Stunden lang langsam kochen lassen.", "Das Rezept stammt von meiner Großmutter, die es nie aufgeschrieben hat."]),
        "travel": (["Der Zug nach {city} fährt um {n} Uhr vom anderen Gleis ab.", "{^who} hat im letzten Sommer {n} Wochen in {city} verbracht.", "Irgendwo zwischen hier und {city} haben wir einen Koffer verloren."],
                   ["Die Fahrkarten waren billiger als erwartet.", "Vom Hotel aus sieht man den Hafen.", "Nächstes Mal nehmen wir die Nachtfähre."]),
        "work": (["Die Besprechung am {day} findet im großen Saal statt.", "{^who} arbeitet seit {n} Jahren im selben Büro.", "Wir suchen jemanden, der alte Maschinen reparieren kann."],
                 ["Bitte schicken Sie Ihre Antwort vor {day}.", "Die meiste Arbeit wird am Vormittag erledigt.", "Der neue Leiter möchte fast alles ändern."]),
        "school": (["Die Kinder haben {n} Seiten über ihre Ferien geschrieben.", "{^who} lernt Klavier und übt jeden {day}.", "Während der Prüfungen öffnet die Bibliothek früher."],
                   ["Einige Fragen waren überraschend schwer.", "Der Lehrer las die schönste Geschichte laut vor.", "Die Hausaufgaben sind am {day} abzugeben."]),
        "town": (["Die alte Brücke in {city} wird für {n} Monate gesperrt.", "In der Nähe des Bahnhofs hat ein neuer Markt eröffnet.", "Am {day}abend versammelten sich viele Menschen auf dem Platz."],
                 ["Der Bürgermeister sprach über die Preise der Wohnungen.", "Die Läden blieben bis spät in die Nacht geöffnet.", "Die Besucher kamen aus dem ganzen Land."]),
    }),
    "Spanish": ({
        "day": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado"], "who": ["mi hermana", "nuestro vecino", "Martín", "la maestra", "Julia", "un amigo mío"],
        "city": ["Sevilla", "París", "Viena", "Bogotá", "Oslo"], "n": ["dos", "tres", "cuatro", "cinco", "diez"], "food": ["pan", "sopa", "pescado", "arroz", "queso"],
    }, {
        "weather": (["Llueve desde el {day} y el río está más alto que de costumbre.", "La niebla era tan espesa esta mañana que {who} perdió el autobús.", "Después de {n} días de viento, el cielo está por fin despejado."],
                    ["Para el {day} anuncian sol.", "Cerramos las ventanas y preparamos té.", "Nadie recuerda una primavera tan fría."]),
        "kitchen": (["Primero lave las verduras y luego córtelas en trozos pequeños.", "{^who} hace un pastel cada {day} para toda la familia.", "En la cocina solo quedaban {food} y {n} huevos."],
                    ["Está más rico con un poco de sal y limón.", "Deje que todo se cueza a fuego lento durante {n} horas.", "La receta es de mi abuela, que nunca la escribió."]),
        "travel": (["El tren a {city} sale a las {n} del otro andén.", "{^who} pasó {n} semanas en {city} el verano pasado.", "Hemos perdido una maleta en algún lugar entre aquí y {city}."],
                   ["Los billetes eran más baratos de lo que esperábamos.", "Desde el hotel se ve el puerto.", "La próxima vez tomaremos el barco nocturno."]),
        "work": (["La reunión del {day} será en la sala grande.", "{^who} trabaja en la misma oficina desde hace {n} años.", "Buscamos a alguien que sepa reparar máquinas antiguas."],
                 ["Por favor, envíe su respuesta antes del {day}.", "Casi todo el trabajo se hace por la mañana.", "El nuevo director quiere cambiarlo casi todo."]),
        "school": (["Los niños escribieron {n} páginas sobre sus vacaciones.", "{^who} aprende piano y practica cada {day}.", "La biblioteca abre más temprano durante los exámenes."],
                   ["Algunas preguntas eran sorprendentemente difíciles.", "El profesor leyó en voz alta el mejor cuento.", "Hay que entregar los deberes el {day}."]),
        "town": (["El viejo puente de {city} estará cerrado {n} meses.", "Han abierto un mercado nuevo cerca de la estación.", "Mucha gente se reunió en la plaza el {day} por la noche."],
                 ["El alcalde habló del precio de las viviendas.", "Las tiendas siguieron abiertas hasta muy tarde.", "Vinieron visitantes de todo el país."]),
    }),
    "Italian": ({
        "day": ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"], "who": ["mia sorella", "il nostro vicino", "Martino", "la maestra", "Giulia", "un mio amico"],
        "city": ["Torino", "Madrid", "Vienna", "Palermo", "Oslo"], "n": ["due", "tre", "quattro", "cinque", "dieci"], "food": ["pane", "minestra", "pesce", "riso", "formaggio"],
    }, {
        "weather": (["Piove da {day} e il fiume è più alto del solito.", "Stamattina la nebbia era così fitta che {who} ha perso l'autobus.", "Dopo {n} giorni di vento il cielo è finalmente sereno."],
                    ["Per {day} è previsto il sole.", "Abbiamo chiuso le finestre e preparato il tè.", "Nessuno ricorda una primavera così fredda."]),
        "kitchen": (["Prima lavate le verdure, poi tagliatele a pezzetti.", "{^who} fa una torta ogni {day} per tutta la famiglia.", "In cucina erano rimasti soltanto {food} e {n} uova."],
                    ["È più buono con un po' di sale e limone.", "Lasciate cuocere tutto a fuoco lento per {n} ore.", "La ricetta è di mia nonna, che non l'ha mai scritta."]),
        "travel": (["Il treno per {city} parte alle {n} dall'altro binario.", "{^who} ha passato {n} settimane a {city} l'estate scorsa.", "Abbiamo perso una valigia da qualche parte tra qui e {city}."],
                   ["I biglietti costavano meno del previsto.", "Dall'albergo si vede il porto.", "La prossima volta prenderemo il traghetto di notte."]),
        "work": (["La riunione di {day} si terrà nella sala grande.", "{^who} lavora nello stesso ufficio da {n} anni.", "Cerchiamo qualcuno che sappia riparare vecchie macchine."],
                 ["Vi preghiamo di rispondere entro {day}.", "Gran parte del lavoro si fa la mattina.", "Il nuovo direttore vuole cambiare quasi tutto."]),
        "school": (["I bambini hanno scritto {n} pagine sulle loro vacanze.", "{^who} studia il pianoforte e si esercita ogni {day}.", "Durante gli esami la biblioteca apre prima."],
                   ["Alcune domande erano sorprendentemente difficili.", "L'insegnante ha letto ad alta voce il racconto migliore.", "I compiti vanno consegnati {day}."]),
        "town": (["Il vecchio ponte di {city} resterà chiuso per {n} mesi.", "Vicino alla stazione ha aperto un nuovo mercato.", "Molta gente si è riunita in piazza {day} sera."],
                 ["Il sindaco ha parlato del prezzo delle case.", "I negozi sono rimasti aperti fino a tardi.", "I visitatori venivano da tutto il paese."]),
    }),
    "Portuguese": ({
        "day": ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira"], "who": ["a minha irmã", "o nosso vizinho", "o Martim", "a professora", "a Júlia", "um amigo meu"],
        "city": ["Coimbra", "Madrid", "Viena", "São Paulo", "Oslo"], "n": ["duas", "três", "quatro", "cinco", "dez"], "food": ["pão", "sopa", "peixe", "arroz", "queijo"],
    }, {
        "weather": (["Chove desde {day} e o rio está mais alto do que o costume.", "O nevoeiro era tão cerrado esta manhã que {who} perdeu o autocarro.", "Depois de {n} semanas de vento, o céu está finalmente limpo."],
                    ["Para {day} prevê-se sol.", "Fechámos as janelas e fizemos chá.", "Ninguém se lembra de uma primavera tão fria."]),
        "kitchen": (["Primeiro lave os legumes e depois corte-os em pedaços pequenos.", "{^who} faz um bolo todas as semanas para a família inteira.", "Na cozinha só restavam {food} e {n} maçãs."],
                    ["Fica melhor com um pouco de sal e limão.", "Deixe cozer tudo em lume brando durante {n} horas.", "A receita é da minha avó, que nunca a escreveu."]),
        "travel": (["O comboio para {city} parte às {n} horas da outra linha.", "{^who} passou {n} semanas em {city} no verão passado.", "Perdemos uma mala algures entre aqui e {city}."],
                   ["Os bilhetes eram mais baratos do que esperávamos.", "Do hotel vê-se o porto.", "Da próxima vez vamos no barco da noite."]),
        "work": (["A reunião de {day} vai ser na sala grande.", "{^who} trabalha no mesmo escritório há muitos anos.", "Procuramos alguém que saiba consertar máquinas antigas."],
                 ["Por favor, envie a sua resposta antes de {day}.", "Quase todo o trabalho se faz de manhã.", "O novo diretor quer mudar quase tudo."]),
        "school": (["As crianças escreveram {n} páginas sobre as férias.", "{^who} aprende piano e pratica todas as tardes.", "A biblioteca abre mais cedo durante os exames."],
                   ["Algumas perguntas eram surpreendentemente difíceis.", "O professor leu em voz alta a melhor história.", "Os trabalhos de casa são para entregar na {day}."]),
        "town": (["A velha ponte de {city} vai ficar fechada durante {n} semanas.", "Abriu um mercado novo perto da estação.", "Muita gente se juntou na praça na {day} à noite."],
                 ["O presidente da câmara falou do preço das casas.", "As lojas ficaram abertas até tarde.", "Vieram visitantes de todo o país."]),
    }),
    "Russian": ({
        "day": ["понедельник", "вторник", "четверг"], "who": ["моя сестра", "наша соседка", "Марина", "учительница", "Юлия", "подруга"],
        "city": ["Москву", "Вену", "Казань", "Прагу", "Самару"], "where": ["Москве", "Вене", "Казани", "Праге", "Самаре"], "n": ["два", "три", "четыре"], "food": ["хлеб", "суп", "рыба", "рис", "сыр"],
    }, {
        "weather": (["Дождь идёт уже {n} дня, и вода в реке выше обычного.", "Утром стоял такой густой туман, что {who} опоздала на автобус.", "Ветер стих, и небо наконец прояснилось."],
                    ["На {day} обещают солнце.", "Мы закрыли окна и заварили чай.", "Никто не помнит такой холодной весны."]),
        "kitchen": (["Сначала вымойте овощи, потом нарежьте их мелкими кусочками.", "{^who} каждую неделю печёт пирог для всей семьи.", "На кухне оставались только {food} и {n} яйца."],
                    ["Вкуснее всего с солью и лимоном.", "Варите всё на медленном огне {n} часа.", "Рецепт достался мне от бабушки, которая никогда его не записывала."]),
        "travel": (["Поезд в {city} отправляется в {n} часа с другого пути.", "{^who} провела прошлое лето в {where}.", "Где-то по дороге в {city} мы потеряли чемодан."],
                   ["Билеты оказались дешевле, чем мы думали.", "Из гостиницы виден порт.", "В следующий раз поплывём на ночном пароме."]),
        "work": (["Собрание в {day} пройдёт в большом зале.", "{^who} много лет работает в одной и той же конторе.", "Мы ищем человека, который умеет чинить старые машины."],
                 ["Пожалуйста, пришлите ответ до конца недели.", "Основная работа делается утром.", "Новый директор хочет изменить почти всё."]),
        "school": (["Дети написали {n} страницы о своих каникулах.", "{^who} учится играть на пианино и занимается каждый {day}.", "Во время экзаменов библиотека открывается раньше."],
                   ["Некоторые вопросы оказались неожиданно трудными.", "Учитель прочитал вслух лучший рассказ.", "Домашнее задание нужно сдать в {day}."]),
        "town": (["Старый мост в {where} закроют на {n} месяца.", "Возле вокзала открылся новый рынок.", "Вечером на площади собралось много народу."],
                 ["Мэр говорил о ценах на жильё.", "Магазины работали до поздней ночи.", "Гости приехали со всей страны."]),
    }),
    "Finnish": ({
        "day": ["maanantaina", "tiistaina", "torstaina", "perjantaina", "lauantaina"], "who": ["siskoni", "naapurimme", "Martti", "opettaja", "Liisa", "ystäväni"],
        "city": ["Turkuun", "Madridiin", "Tampereelle", "Osloon", "Ouluun"], "where": ["Turussa", "Madridissa", "Tampereella", "Oslossa", "Oulussa"], "n": ["kaksi", "kolme", "neljä", "viisi", "kymmenen"], "food": ["leipää", "keittoa", "kalaa", "riisiä", "juustoa"],
    }, {
        "weather": (["On satanut jo {n} päivää, ja joki on tavallista korkeammalla.", "Aamulla oli niin sakea sumu, että {who} myöhästyi bussista.", "Tuuli on tyyntynyt, ja taivas on vihdoin kirkas."],
                    ["{^day} on luvassa aurinkoa.", "Pidimme ikkunat kiinni ja keitimme teetä.", "Kukaan ei muista näin kylmää kevättä."]),
        "kitchen": (["Pese ensin vihannekset ja leikkaa ne sitten pieniksi paloiksi.", "{^who} leipoo joka viikko kakun koko perheelle.", "Keittiössä oli enää {food} ja {n} munaa."],
                    ["Se maistuu parhaalta suolan ja sitruunan kanssa.", "Anna kaiken kiehua hiljalleen {n} tuntia.", "Resepti on isoäidiltäni, joka ei koskaan kirjoittanut sitä muistiin."]),
        "travel": (["Juna {city} lähtee kello {n} toiselta raiteelta.", "{^who} vietti viime kesänä {n} viikkoa {where}.", "Matkalla {city} kadotimme yhden matkalaukun."],
                   ["Liput olivat halvempia kuin olimme odottaneet.", "Hotellista näkee satamaan.", "Ensi kerralla menemme yölautalla."]),
        "work": (["Kokous pidetään {day} suuressa salissa.", "{^who} on ollut samassa toimistossa {n} vuotta.", "Etsimme henkilöä, joka osaa korjata vanhoja koneita."],
                 ["Lähettäkää vastauksenne viimeistään {day}.", "Suurin osa työstä tehdään aamulla.", "Uusi johtaja haluaa muuttaa melkein kaiken."]),
        "school": (["Lapset kirjoittivat {n} sivua lomastaan.", "{^who} opettelee soittamaan pianoa ja harjoittelee joka päivä.", "Kirjasto avataan kokeiden aikana aikaisemmin."],
                   ["Jotkin kysymykset olivat yllättävän vaikeita.", "Opettaja luki parhaan tarinan ääneen.", "Läksyt on palautettava {day}."]),
        "town": (["Vanha silta suljetaan {where} moneksi kuukaudeksi.", "Aseman lähelle on avattu uusi tori.", "Aukiolle kokoontui {day} paljon väkeä."],
                 ["Kaupunginjohtaja puhui asuntojen hinnoista.", "Kaupat olivat auki myöhään yöhön.", "Vieraita tuli koko maasta."]),
    }),
    "Arabic": ({
        "day": ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "السبت"], "who": ["أختي", "جارتنا", "مريم", "المعلمة", "ليلى", "صديقتي"],
        "city": ["دمشق", "القاهرة", "تونس", "بغداد", "الرباط"], "n": ["ثلاثة", "أربعة", "خمسة", "ستة"], "nf": ["ثلاث", "أربع", "خمس", "ست"], "food": ["الخبز", "الحساء", "السمك", "الأرز", "الجبن"],
    }, {
        "weather": (["تمطر السماء منذ يوم {day}، وماء النهر أعلى من المعتاد.", "كان الضباب كثيفا هذا الصباح حتى إن {who} لم تلحق بالحافلة.", "بعد {n} أيام من الرياح صفت السماء أخيرا."],
                    ["من المتوقع أن تشرق الشمس يوم {day}.", "أغلقنا النوافذ وأعددنا الشاي.", "لا أحد يتذكر ربيعا باردا كهذا."]),
        "kitchen": (["اغسل الخضار أولا ثم قطعها قطعا صغيرة.", "تخبز {who} كعكة كل أسبوع للعائلة كلها.", "لم يبق في المطبخ سوى {food} و{nf} بيضات."],
                    ["يكون طعمه ألذ مع قليل من الملح والليمون.", "اتركه على نار هادئة {nf} ساعات.", "هذه الوصفة من جدتي التي لم تكتبها قط."]),
        "travel": (["يغادر القطار إلى {city} من الرصيف الآخر في المساء.", "قضت {who} {n} أسابيع في {city} في الصيف الماضي.", "فقدنا حقيبة في الطريق إلى {city}."],
                   ["كانت التذاكر أرخص مما توقعنا.", "يمكن رؤية الميناء من الفندق.", "في المرة القادمة سنسافر بالسفينة ليلا."]),
        "work": (["سيعقد اجتماع يوم {day} في القاعة الكبيرة.", "تعمل {who} في المكتب نفسه منذ {nf} سنوات.", "نبحث عن شخص يستطيع إصلاح الآلات القديمة."],
                 ["يرجى إرسال الجواب قبل يوم {day}.", "ينجز معظم العمل في الصباح.", "يريد المدير الجديد أن يغير كل شيء تقريبا."]),
        "school": (["كتب الأطفال {nf} صفحات عن عطلتهم.", "تتعلم {who} العزف على البيانو وتتدرب كل يوم.", "تفتح المكتبة أبوابها مبكرا في أيام الامتحانات."],
                   ["كانت بعض الأسئلة صعبة على غير المتوقع.", "قرأ المعلم أجمل قصة بصوت عال.", "يجب تسليم الواجبات يوم {day}."]),
        "town": (["سيغلق الجسر القديم في {city} {n} أشهر.", "افتتحت سوق جديدة قرب المحطة.", "اجتمع كثير من الناس في الساحة مساء {day}."],
                 ["تحدث رئيس البلدية عن أسعار المساكن.", "بقيت المتاجر مفتوحة حتى ساعة متأخرة من الليل.", "جاء الزوار من كل أنحاء البلاد."]),
    }),
    "Chinese": ({
        "day": ["一", "二", "三", "四", "五", "六"], "who": ["我妹妹", "邻居", "小王", "李老师", "我的朋友", "张先生"],
        "city": ["北京", "上海", "成都", "西安", "广州"], "n": ["两", "三", "四", "五", "十"], "food": ["面包", "汤", "鱼", "米饭", "豆腐"],
    }, {
        "weather": (["从星期{day}开始一直下雨，河水比平时高了很多。", "今天早上雾很大，{who}没有赶上公共汽车。", "刮了{n}天风以后，天空终于晴朗了。"],
                    ["天气预报说星期{day}会出太阳。", "我们关上窗户，泡了一壶茶。", "谁也不记得有过这么冷的春天。"]),
        "kitchen": (["先把蔬菜洗干净，然后切成小块。", "{who}每个星期{day}都给全家人做一个蛋糕。", "厨房里只剩下{food}和{n}个鸡蛋了。"],
                    ["加一点盐和柠檬味道最好。", "用小火慢慢煮{n}个小时。", "这个做法是奶奶教我的，她从来没有写下来。"]),
        "travel": (["去{city}的火车{n}点钟从另一个站台出发。", "{who}去年夏天在{city}住了{n}个星期。", "我们在去{city}的路上丢了一个箱子。"],
                   ["车票比我们想象的便宜。", "从旅馆可以看到港口。", "下次我们要坐夜里的轮船。"]),
        "work": (["星期{day}的会议改在大会议室举行。", "{who}在同一个办公室工作了{n}年。", "我们正在找一个会修理旧机器的人。"],
                 ["请在星期{day}以前回复。", "大部分工作都是上午完成的。", "新来的经理几乎什么都想改变。"]),
        "school": (["孩子们写了{n}页关于假期的作文。", "{who}在学钢琴，每个星期{day}都练习。", "考试期间图书馆开门比较早。"],
                   ["有些问题难得出乎意料。", "老师大声朗读了最好的故事。", "作业要在星期{day}交。"]),
        "town": (["{city}的老桥要关闭{n}个月。", "车站附近新开了一个市场。", "星期{day}晚上，很多人聚集在广场上。"],
                 ["市长谈到了房价的问题。", "商店一直营业到深夜。", "游客来自全国各地。"]),
    }),
    "Japanese": ({
        "day": ["月曜日", "火曜日", "水曜日", "木曜日", "土曜日"], "who": ["妹", "隣の人", "田中さん", "先生", "友達", "母"],
        "city": ["京都", "札幌", "大阪", "金沢", "長崎"], "n": ["二", "三", "四", "五", "十"], "food": ["パン", "スープ", "魚", "ご飯", "豆腐"],
    }, {
        "weather": (["{day}からずっと雨が降っていて、川の水がいつもより多い。", "今朝は霧がとても濃くて、{who}はバスに乗り遅れた。", "{n}日間の風のあと、空はようやく晴れた。"],
                    ["{day}は晴れるそうです。", "窓を閉めて、お茶を入れました。", "こんなに寒い春は誰も覚えていない。"]),
        "kitchen": (["まず野菜を洗って、小さく切ってください。", "{who}は毎週{day}に家族みんなのためにケーキを焼く。", "台所には{food}と卵しか残っていなかった。"],
                    ["塩とレモンを少し加えるとおいしいです。", "弱火で{n}時間ゆっくり煮ます。", "この作り方は祖母から教わったもので、書いたものはありません。"]),
        "travel": (["{city}行きの電車は{n}時に向かいのホームから出ます。", "{who}は去年の夏、{city}で{n}週間過ごした。", "{city}へ行く途中でかばんをなくしてしまった。"],
                   ["切符は思ったより安かった。", "ホテルから港が見えます。", "次は夜の船で行くつもりです。"]),
        "work": (["{day}の会議は大きい部屋で行います。", "{who}は同じ会社で{n}年働いている。", "古い機械を直せる人を探しています。"],
                 ["{day}までにお返事をください。", "仕事のほとんどは午前中に終わる。", "新しい部長は何でも変えたがっている。"]),
        "school": (["子どもたちは休みについて{n}ページも作文を書いた。", "{who}はピアノを習っていて、毎週{day}に練習する。", "試験の間、図書館は早く開きます。"],
                   ["思ったより難しい問題もあった。", "先生は一番いい話を声に出して読んだ。", "宿題は{day}に出さなければならない。"]),
        "town": (["{city}の古い橋は{n}か月間通れなくなる。", "駅の近くに新しい市場ができた。", "{day}の夜、大勢の人が広場に集まった。"],
                 ["市長は家の値段について話した。", "店は夜遅くまで開いていた。", "全国からお客さんが来ました。"]),
    }),
}

KOREAN_LISTS = {
    "요일": ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일"], "사람": ["동생", "이웃집 아저씨", "민수 씨", "지영 씨", "우리 선생님", "친구"],
    "도시": ["부산", "전주", "대구", "강릉", "광주", "제주", "대전"], "수": ["두", "세", "네", "다섯", "열"], "숫자": ["이", "삼", "사", "오"], "음식": ["빵", "국", "생선", "밥", "두부", "김치"],
    "때": ["아침", "저녁", "오후", "점심때"], "계절": ["봄", "여름", "가을", "겨울"],
}

KOREAN = {
    "weather": (["{요일}부터 계속 비가 와서 강물이 평소보다 많이 불었다.", "오늘 {때}에는 안개가 너무 짙어서 버스를 놓쳤다.", "{사흘|나흘|닷새|열흘} 동안 바람이 불더니 하늘이 드디어 맑아졌다."],
                ["{요일}에는 해가 난다고 한다.", "우리는 창문을 닫고 차를 끓였다.", "이렇게 추운 봄은 아무도 기억하지 못한다."]),
    "kitchen": (["먼저 채소를 깨끗이 씻은 다음 작게 썰어 주세요.", "어머니는 {요일}마다 온 가족을 위해 떡을 만드신다.", "부엌에는 {음식} 조금과 달걀 {수} 개밖에 남지 않았다."],
                ["소금과 참기름을 조금 넣으면 더 맛있습니다.", "약한 불에서 {수} 시간 동안 천천히 끓이세요.", "이 요리법은 할머니께 배운 것이라 적어 둔 것이 없다."]),
    "travel": (["{도시} 가는 기차는 {수} 시에 건너편 승강장에서 출발합니다.", "지난여름에 {도시}에서 {숫자} 주 동안 지냈다.", "{도시}에 가는 길에 가방을 하나 잃어버렸다."],
               ["표는 생각보다 비싸지 않았다.", "호텔 창문으로 항구가 보인다.", "다음에는 밤배를 타기로 했다."]),
    "work": (["{요일} 회의는 큰 회의실에서 하기로 했습니다.", "언니는 같은 회사에서 {숫자} 년째 일하고 있다.", "오래된 기계를 고칠 수 있는 사람을 찾고 있습니다."],
             ["{요일}까지 답장을 보내 주시기 바랍니다.", "대부분의 일은 오전에 끝난다.", "새로 온 부장은 거의 모든 것을 바꾸고 싶어 한다."]),
    "school": (["아이들은 방학에 대해 {수} 쪽이나 글을 썼다.", "동생은 피아노를 배우면서 {요일}마다 연습한다.", "시험 기간에는 도서관이 일찍 문을 연다."],
               ["어떤 문제는 뜻밖에 어려웠다.", "선생님이 가장 좋은 글을 소리 내어 읽어 주셨다.", "숙제는 {요일}까지 내야 한다."]),
    "town": (["{도시}의 오래된 다리가 {수} 달 동안 통제된다.", "역 근처에 새 시장이 문을 열었다.", "{요일} 밤 많은 사람들이 광장에 모였다."],
             ["시장은 집값 문제에 대해 말했다.", "가게들은 밤늦게까지 문을 열었다.", "전국에서 손님들이 찾아왔다."]),
    "mountain": (["{계절}이면 우리는 {도시} 근처의 산에 오른다.", "정상까지는 {수} 시간쯤 걸린다고 한다.", "산길은 낙엽으로 덮여 조금 미끄러웠다."],
                 ["중간에 작은 절이 있어서 잠시 쉬었다.", "꼭대기에서 보면 바다까지 보인다.", "내려오는 길에 따뜻한 국수를 먹었다."]),
    "health": (["감기에 걸려서 {요일}부터 집에서 쉬고 있다.", "의사는 하루에 {수} 번 약을 먹으라고 했다.", "요즘 {때}마다 공원을 한 바퀴 걷는다."],
               ["물을 많이 마시고 일찍 자는 것이 좋다.", "며칠 지나니 기침이 많이 줄었다.", "무리하지 않는 것이 가장 중요하다."]),
    "letter": (["보내 주신 편지는 {요일}에 잘 받았습니다.", "그동안 연락을 드리지 못해 죄송합니다.", "{도시}에서 보낸 시간이 벌써 그립습니다."],
               ["{계절}이 오면 꼭 다시 찾아뵙겠습니다.", "부모님께도 안부 전해 주세요.", "늘 건강하시기를 바랍니다."]),
    "history": (["이 성은 약 {숫자}백 년 전에 돌로 지어졌다.", "{도시}에는 오래된 한옥이 많이 남아 있다.", "옛날 이 마을에는 {수} 명의 학자가 살았다고 한다."],
                ["전쟁 때 무너진 벽은 나중에 다시 쌓았다.", "지금은 박물관으로 쓰이고 있다.", "그들이 남긴 책은 아직도 읽힌다."]),
    "music": (["{요일} 저녁에 {도시}에서 작은 음악회가 열린다.", "할아버지는 젊었을 때 거문고를 타셨다.", "그 노래는 {수} 번 들어도 질리지 않는다."],
              ["표는 입구에서 살 수 있습니다.", "가락은 단순하지만 마음에 오래 남는다.", "마지막 곡이 끝나자 모두 일어나 손뼉을 쳤다."]),
    "sport": (["우리 팀은 {요일} 경기에서 {수} 골 차이로 이겼다.", "{도시} 선수들은 {계절} 내내 힘든 훈련을 했다.", "비 때문에 경기가 {숫자}십 분 늦게 시작되었다."],
              ["마지막 순간에 나온 골이 승부를 갈랐다.", "감독은 선수들이 자랑스럽다고 말했다.", "관중석은 빈자리가 없을 만큼 가득 찼다."]),
    "computer": (["새 프로그램을 설치한 뒤로 컴퓨터가 자꾸 멈춘다.", "비밀번호는 {숫자} 개월마다 바꾸는 것이 좋다.", "파일을 {수} 개의 폴더로 나누어 저장했다."],
                 ["먼저 전원을 껐다가 다시 켜 보세요.", "중요한 자료는 따로 복사해 두어야 한다.", "문제가 계속되면 관리자에게 알려 주십시오."]),
    "animals": (["우리 집 고양이는 {때}만 되면 창가에 앉아 있다.", "숲에서 사슴 {수} 마리를 보았다.", "{계절}이 되면 철새들이 이 호수로 날아온다."],
                ["발소리가 나면 금세 숨어 버린다.", "먹이를 주지 말라는 안내판이 서 있다.", "새끼들은 어미 뒤를 졸졸 따라다녔다."]),
    "shopping": (["시장에서 사과 {수} 개와 {음식} 재료를 샀다.", "{요일}부터 겨울옷을 싸게 판다고 한다.", "이 신발은 조금 작은데 바꿀 수 있을까 해서 왔다."],
                 ["점원은 친절하게 다른 것을 보여 주었다.", "값을 깎아 달라고 하자 아주머니가 웃으셨다.", "영수증이 있으면 {숫자} 주 안에 바꿀 수 있습니다."]),
    "law": (["임차인은 계약이 끝나기 {숫자} 개월 전에 통지하여야 한다.", "모든 국민은 법 앞에 평등하다고 배웠다.", "서류는 {요일}까지 구청에 내야 합니다."],
            ["기한을 넘기면 과태료를 물 수 있다.", "자세한 내용은 뒷면에 적혀 있습니다.", "두 사람은 계약서에 이름을 쓰고 도장을 찍었다."]),
    "science": (["물은 온도가 내려가면 얼음이 된다.", "연구자들은 {숫자} 년 동안 바닷물의 온도를 쟀다.", "별빛이 우리 눈에 닿기까지는 아주 오랜 시간이 걸린다."],
                ["그 결과는 처음의 예상과 달랐다.", "이 현상을 설명하는 이론이 {수} 가지 있다.", "앞으로 더 많은 관측이 필요하다고 한다."]),
    "family": (["설날에는 온 가족이 {도시} 할머니 댁에 모인다.", "막내는 키가 작지만 달리기를 제일 잘한다.", "아버지는 {때}에 신문을 읽으신다."],
               ["아이들은 마당에서 연을 날렸다.", "사진 속의 얼굴은 모두 웃고 있었다.", "밤이 깊도록 이야기가 끝나지 않았다."]),
    "sea": (["어부들은 해가 뜨기 전에 배를 타고 나간다.", "{계절} 바다는 생각보다 조용했다.", "{도시} 앞바다에서 고래 {수} 마리가 발견되었다."],
            ["파도가 높아서 {요일}까지는 배가 뜨지 못한다.", "아이들은 조개껍데기를 주워 모았다.", "멀리 등대의 불빛이 깜박였다."]),
    "book": (["어제 읽은 소설은 {도시}를 배경으로 한 이야기였다.", "이 책은 {숫자}백 쪽이 넘지만 하루 만에 다 읽었다.", "작가는 {수} 번이나 원고를 고쳤다고 한다."],
             ["주인공의 마지막 말이 오래 기억에 남는다.", "그림이 많아서 아이들도 좋아한다.", "도서관에서는 {요일}까지 빌릴 수 있다."]),
    "house": (["{도시}로 이사한 지 벌써 {숫자} 년이 되었다.", "지붕에서 물이 새서 {요일}에 사람을 불렀다.", "작은 방의 벽을 하얗게 칠하기로 했다."],
              ["마당에는 감나무가 {수} 그루 있다.", "창문이 남쪽으로 나 있어 {계절}에도 따뜻하다.", "이웃들이 휴지와 과일을 들고 찾아왔다."]),
    "night": (["밤하늘에 별이 쏟아질 듯이 많았다.", "잠이 오지 않아 {수} 시까지 책을 읽었다.", "골목 끝 가게에는 늦게까지 불이 켜져 있었다."],
              ["어디선가 개 짖는 소리가 들렸다.", "{계절}밤은 유난히 길게 느껴진다.", "결국 창문을 열고 찬 공기를 마셨다."]),
    "farm": (["{계절}이 되자 농부들은 논에 나가 바쁘게 일했다.", "올해는 배추 값이 {수} 배나 올랐다.", "할아버지는 닭 {수} 마리와 소 한 마리를 기르신다."],
             ["비가 알맞게 와서 벼가 잘 자랐다.", "{요일}마다 읍내 장에 채소를 내다 판다.", "일이 끝나면 모두 함께 새참을 먹는다."]),
    "news": (["정부는 {요일} 새로운 교통 정책을 발표했다.", "{도시}에서 열린 회의에 {숫자}십 개 나라가 참가했다.", "지난달 물가가 {숫자} 퍼센트 올랐다고 한다."],
             ["전문가들은 당분간 이런 흐름이 이어질 것으로 보았다.", "시민들의 반응은 엇갈렸다.", "자세한 계획은 {요일}에 공개될 예정이다."]),
}

GLUE = {"Chinese": "", "Japanese": ""}


def _template(topic, glue, low, high):
    openings, continuations = topic

    def fill(grammar):
        rng = grammar.rng
        parts = rng.sample(openings, rng.between(low, high)) + rng.sample(continuations, rng.between(low, high))
        return glue.join(grammar.fill(part) for part in parts).replace(" в вторник", " во вторник")

    return fill


def languages():
    table = dict(LANGUAGES)
    table["Korean"] = (KOREAN_LISTS, KOREAN)
    return table


def texts(language, rng, count, label, low=1, high=2):
    """Distinct texts of every topic of one language."""
    from core import candidates

    lists, topics = languages()[language]
    made = [(label, language.lower() + "-" + name, _template(topic, GLUE.get(language, " "), low, high)) for name, topic in topics.items()]
    return candidates(made, Grammar(rng, lists), count)
