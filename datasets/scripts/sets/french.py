"""Alexandrines in the manner of the eighteenth century, and articles of law in today's French: all of our own writing.

A verse is two halves of six syllables: one that sets the scene, and a clause with the rhyme. A quatrain takes four halves and two rhymes of one theme."""

from core import Grammar, candidates
from sets.lexicon import number

THEMES = {
    "aurore": (["Au sommet de ces monts", "Dès le réveil du jour", "Sur les flots apaisés", "Loin de l'obscurité"],
               [("l'aurore ouvre les cieux", "tout renaît à nos yeux"), ("le pâtre suit l'agneau", "chante un timide oiseau"), ("s'avance le soleil", "sourit un doux réveil")]),
    "nuit": (["Sous le voile des nuits", "Quand s'éteignent les feux", "Au fond de ces forêts", "Dans le calme des airs"],
             [("tout se tait, tout s'endort", "brille une étoile d'or"), ("je veille et je gémis", "j'appelle mes amis"), ("la lune suit son cours", "je songe à mes beaux jours")]),
    "amour": (["Près de vous, ma Philis", "Malgré tous vos dédains", "Au pied de vos autels", "Pour un seul de vos mots"],
              [("mon cœur brûle toujours", "je donnerais mes jours"), ("je soupire en secret", "l'espoir meurt à regret"), ("je n'ai plus de repos", "je chéris tous mes maux")]),
    "guerre": (["Au bruit de cent canons", "Sur ces remparts sanglants", "Parmi tant de guerriers", "Devant nos étendards"],
               [("le héros fait sa loi", "l'ennemi fuit d'effroi"), ("la mort vole en tous lieux", "on implore les dieux"), ("la gloire suit nos pas", "nul ne craint le trépas")]),
    "temps": (["Dans le cours de nos ans", "Malgré nos vains efforts", "Ainsi que le torrent", "Sans bruit et sans retour"],
              [("le temps fuit loin de nous", "la mort nous frappe tous"), ("tout passe et tout périt", "la rose se flétrit"), ("l'heure emporte nos vœux", "blanchissent nos cheveux")]),
    "champs": (["Au bord de ce ruisseau", "Sous ces ormes touffus", "Loin du bruit de la cour", "Dans mon humble jardin"],
               [("je cultive la paix", "je bénis les bienfaits"), ("le sage vit heureux", "l'air est plus généreux"), ("la vertu me suffit", "le repos me guérit")]),
    "tempete": (["Sur la mer en courroux", "Au milieu des éclairs", "Loin du port désiré", "Parmi les flots grondants"],
                [("le nocher perd espoir", "le ciel devient tout noir"), ("la voile se rompit", "un long cri retentit"), ("Neptune est irrité", "le mât est emporté")]),
    "roi": (["Au pied du trône d'or", "Sous un prince clément", "Par la force des lois", "Du couchant au levant"],
            [("le peuple est protégé", "le crime est corrigé"), ("refleurit la vertu", "l'orgueil est abattu"), ("s'étend votre bonté", "règne la vérité")]),
    "raison": (["Par l'étude éclairé", "Au flambeau des savants", "Loin des vains préjugés", "Dans le livre des cieux"],
               [("l'homme apprend à douter", "l'esprit veut tout compter"), ("Newton lit l'univers", "se brisent tous nos fers"), ("la raison fait sa loi", "l'erreur tremble d'effroi")]),
    "deuil": (["Sur ce marbre glacé", "Auprès de ce tombeau", "Les yeux baignés de pleurs", "Privé de votre voix"],
              [("je demande la mort", "j'accuse en vain le sort"), ("mes chants sont superflus", "hélas ! vous n'êtes plus"), ("je languis sans secours", "s'achèvent mes beaux jours")]),
    "printemps": (["Au retour des zéphyrs", "Dans ces vallons charmants", "Sur un tapis de fleurs", "Au doux chant des oiseaux"],
                  [("la nymphe suit l'amour", "Flore assemble sa cour"), ("bondissent les troupeaux", "murmurent les ruisseaux"), ("l'hiver s'est retiré", "le monde est réparé")]),
    "muse": (["Aux accents de ma voix", "Sur le double sommet", "Apollon, si tu veux", "Dans ces vers imparfaits"],
             [("la Muse me conduit", "l'envie au loin s'enfuit"), ("je chante les héros", "j'éveille les échos"), ("Boileau fut mon soutien", "l'art n'ajoute plus rien")]),
    "fable": (["Un jour, au bord de l'eau", "Auprès d'un vieux noyer", "Content de son festin", "Au seuil de sa maison"],
              [("le renard vit l'oison", "le loup perdit raison"), ("le lion s'endormit", "la souris en frémit"), ("l'âne parla trop haut", "le singe fit le saut")]),
    "liberte": (["Las de porter des fers", "Au nom de nos aïeux", "Par un noble serment", "Sous le joug des tyrans"],
                [("le peuple ouvre les yeux", "s'élève un cri fameux"), ("renaît la liberté", "s'éveille la cité"), ("nous romprons nos liens", "s'arment les citoyens")]),
    "priere": (["Seigneur, du haut des cieux", "Au jour de mon malheur", "Devant ta majesté", "Courbé sous le péché"],
               [("je confesse ton nom", "j'implore ton pardon"), ("ma voix monte vers toi", "mon âme a pris la foi"), ("l'impie est confondu", "l'espoir nous est rendu")]),
    "or": (["Pour un peu de vil or", "Au gré de vos désirs", "Dans ces riches palais", "Loin du toit des bergers"],
           [("l'honneur est oublié", "l'avare est envié"), ("Crésus meurt de souci", "le faste règne ici"), ("on vend jusqu'à l'amour", "chacun ment à son tour")]),
    "exil": (["Sur un bord étranger", "Loin du toit paternel", "Les regards vers la mer", "Chargé de tant d'ennuis"],
             [("je pleure mon pays", "mes ans sont tôt finis"), ("je tends encor les bras", "on ne me connaît pas"), ("le vent porte ma voix", "je revis tous nos bois")]),
    "amitie": (["À l'ombre d'un vieux mur", "Le verre dans la main", "Auprès d'un ami sûr", "Damon, chez vous, ce soir"],
               [("le vin rit dans nos cœurs", "j'oublie et fuis les pleurs"), ("nous rions des méchants", "nous mêlerons nos chants"), ("la nuit passe sans bruit", "le noir chagrin nous fuit")]),
    "tragedie": (["Ah ! cruelle, arrêtez", "Madame, en ce palais", "Au nom de votre fils", "Avant la fin du jour"],
                 [("mon sang doit vous venger", "mon cœur ne peut changer"), ("j'ai trahi mon devoir", "je meurs de vous revoir"), ("le traître va périr", "il faut vaincre ou mourir")]),
    "hiver": (["Sous un ciel sans clarté", "Quand mugit l'aquilon", "Dans nos champs désolés", "Au coin de mon foyer"],
              [("la neige couvre tout", "le chêne est seul debout"), ("le fleuve est enchaîné", "Borée est déchaîné"), ("je lis près d'un bon feu", "je rends grâces à Dieu")]),
}


PROPER = ("Apollon", "Damon", "Seigneur", "Madame")


def _quatrain(theme):
    halves, rhymes = theme

    def fill(grammar):
        rng = grammar.rng
        starts = rng.sample(halves, 4)
        lines = []
        for i, pair in enumerate(rng.sample(rhymes, 2)):
            for j, end in enumerate(rng.sample(pair, 2)):
                lines.append("%s, %s%s" % (starts[2 * i + j], end, (";" if i == 0 else ".") if j == 1 else ","))
        if rng.chance(30):
            return "\n".join(lines)
        return " ".join([lines[0]] + [line if line.startswith(PROPER) else line[0].lower() + line[1:] for line in lines[1:]])

    return fill


LAW_LISTS = {
    "mois": ["un mois", "deux mois", "trois mois", "six mois", "quinze jours", "dix jours", "un an"], "ref": ["L. {n}-{k}", "R. {n}-{k}", "{n}", "{n}-{k}", "D. {n}-{k}"], "n": number(101, 990), "k": number(1, 29),
    "acte": ["la demande", "la déclaration", "la requête", "la notification", "l'autorisation"], "autorite": ["le préfet", "le maire", "le juge", "le ministre chargé du travail", "l'administration", "le tribunal judiciaire", "le directeur de l'agence"],
    "personne": ["le salarié", "l'employeur", "le locataire", "le bailleur", "le vendeur", "l'acquéreur", "l'assuré", "le mandataire"], "somme": ["375 euros", "1 500 euros", "3 750 euros", "7 500 euros", "15 000 euros"],
    "doc": ["un inventaire détaillé", "une copie du contrat", "un justificatif de domicile", "un état des lieux", "une attestation d'assurance"], "faute": ["en cas de manquement", "à défaut de réponse", "en cas de récidive", "sauf cas de force majeure"],
    "biens": ["des biens immobiliers", "des données personnelles", "des denrées alimentaires", "des produits dangereux", "des véhicules de location"], "travaux": ["les travaux de rénovation", "la vente", "le licenciement", "la sous-location", "le transfert"],
}
LAW = {
    "delai": "{^acte} est adressée par lettre recommandée dans un délai de {mois} à compter de la date de signature. {^faute}, {autorite} peut prononcer la nullité de l'acte.",
    "amende": "Est puni d'une amende de {somme} le fait, pour toute personne, de céder {biens} sans l'autorisation prévue à l'article {ref}.",
    "bail": "Le contrat de location est établi par écrit. {Le bailleur|Le propriétaire|Le mandataire} remet à l'autre partie {doc} lors de la remise des clés et au plus tard dans un délai de {mois}.",
    "conge": "Sauf stipulation contraire, {personne} peut mettre fin au contrat à tout moment, sous réserve d'un préavis de {mois} notifié dans les conditions de l'article {ref}.",
    "competence": "Les litiges relatifs à l'application du présent chapitre relèvent de la compétence du tribunal du lieu où demeure {personne}. {^autorite} en est informé sans délai.",
    "definition": "Au sens du présent titre, on entend par exploitant toute personne physique ou morale qui détient {biens} à titre professionnel pendant plus de {mois}.",
    "decret": "Un décret en Conseil d'État fixe les modalités d'application de l'article {ref}, notamment les conditions dans lesquelles {personne} produit {doc}.",
    "abrogation": "L'article {ref} est abrogé. À la première phrase de l'article {ref}, les mots relatifs à la durée sont remplacés par : « {mois} au moins ».",
    "responsabilite": "{^personne} est responsable de plein droit des dommages causés par {biens} dont il a la garde, sauf à prouver la faute de la victime ou un cas de force majeure.",
    "recours": "La décision peut être contestée devant la juridiction administrative dans un délai de {mois}. {^acte} ne suspend pas l'exécution, sauf si {autorite} en dispose autrement.",
    "travail": "Aucun salarié ne peut être {sanctionné|licencié|rétrogradé} pour avoir {refusé une mutation|témoigné de faits illicites|exercé le droit de grève}. {^travaux} prononcé en méconnaissance de l'article {ref} est nul.".replace("{^travaux} prononcé", "Le licenciement prononcé"),
    "vente": "{^personne} est tenu de garantir les défauts cachés de la chose. L'action doit être engagée dans un délai de {mois} à compter de la découverte du vice.",
    "donnees": "Les données recueillies sont conservées pendant {mois}. {^personne} dispose d'un droit d'accès, de rectification et d'effacement, qu'il exerce auprès du responsable du traitement.",
    "nullite": "Toute clause ayant pour effet d'interdire à une partie de saisir {autorite} est réputée non écrite, conformément à l'article {ref} du présent code.",
    "permis": "L'autorisation est délivrée pour une durée de {mois}, renouvelable une fois. Elle peut être retirée par décision motivée lorsque {personne} n'est plus en mesure de produire {doc}.",
    "publicite": "La publicité portant sur {biens} mentionne de manière claire et lisible le prix total. Le non-respect de cette obligation est puni d'une amende de {somme}.",
    "tutelle": "La mesure est ordonnée pour une durée qui ne peut excéder {deux|trois|cinq|dix} ans. Le juge {statue|se prononce} après avoir entendu {la personne protégée|l'intéressé|la famille} et recueilli l'avis d'un médecin inscrit sur la liste.",
    "societe": "Les statuts déterminent la durée de la société, son siège et son objet. {En cas de pertes|Chaque année|Avant toute fusion}, le gérant convoque les associés dans un délai de {mois} à compter de la clôture de l'exercice.",
    "impot": "Le crédit d'impôt est calculé dans la limite de {somme} par an et par foyer. Il est subordonné à la production, par le contribuable, de pièces dont la liste est fixée à l'article {ref}.",
    "environnement": "Toute installation susceptible de présenter des dangers pour l'eau ou les sols fait l'objet d'une étude. L'exploitant la transmet à l'autorité compétente au moins {mois} avant l'ouverture.",
    "route": "Tout conducteur dont le véhicule présente un défaut apparent doit le faire réparer dans un délai de {mois}. {^faute}, l'immobilisation peut être ordonnée et l'amende portée à {somme}.",
    "election": "Les réclamations doivent être consignées au procès-verbal ou déposées dans les dix jours au greffe. Le juge statue dans un délai de {mois}, conformément à l'article {ref} du code électoral.",
}


def verse_templates(label):
    return [(label, "vers-" + name, _quatrain(theme)) for name, theme in THEMES.items()]


def _article(template):
    return lambda grammar: grammar.fill(template).replace(" de un ", " d'un ")


def law_templates(label):
    return [(label, "loi-" + name, _article(template)) for name, template in LAW.items()]


def grammar(rng):
    return Grammar(rng, LAW_LISTS)
